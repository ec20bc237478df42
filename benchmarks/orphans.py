"""How long workers live after their main process got a SIGKILL, at random points of their start and their work.

python benchmarks/orphans.py --kills 200 [--seconds 6] [--workers 2] [--seed 0]
"""

import argparse
import random
import signal
import subprocess
import sys
import time

from kills import ORPHANS_S, alive, command

CREW = """
import sys
sys.path.insert(0, {here!r})
if __name__ == "__main__":
    from latent_nas.crews.local import Local
    from orphans import busy
    crew = Local({workers})
    handles = [crew.start(busy, i) for i in range({workers})]
    while True:
        for handle in crew.finished(handles):
            crew.result(handle)
            handles[handles.index(handle)] = crew.start(busy, 0)
"""


def busy(number: int) -> int:
    """Return a number after a second or so of what a training does: torch is imported, then calculates."""
    import torch

    x = torch.ones(400, 400)
    for _ in range(100):
        x = (x @ x).tanh()
    return number + int(x[0, 0])


def main() -> None:
    """Kill crews, and print the longest times until nothing of them ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=6.0, help="latest time of a kill")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng, lived = random.Random(arguments.seed), list[tuple[float, int, str]]()
    code = CREW.format(here=sys.path[0], workers=arguments.workers)
    while len(lived) < arguments.kills:
        process = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
        time.sleep(rng.uniform(0.2, arguments.seconds))
        processes = len(alive(process.pid)) - 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed, last = time.monotonic(), ""
        while left := alive(process.pid):
            last = command(left[0])
            time.sleep(0.02)
        lived.append((time.monotonic() - killed, processes, last))
        if len(lived) in (*range(0, arguments.kills, 50), arguments.kills):
            print(summary(lived), flush=True)


def summary(lived: list[tuple[float, int, str]]) -> str:
    """Return the counts and the longest times in a line."""
    times, late = sorted(took for took, _, _ in lived), sum(took > ORPHANS_S for took, _, _ in lived)
    begun = sum(processes > 0 for _, processes, _ in lived)
    middle, most = times[len(times) // 2], times[int(0.99 * (len(times) - 1))]
    return (
        f"{len(lived)} kills, {begun} when processes had begun; until nothing ran: median {middle:.2f} s, 99 %"
        f" {most:.2f} s, longest {times[-1]:.2f} s ({max(lived)[2][:60]}); {late} after {ORPHANS_S:g} s"
    )


if __name__ == "__main__":
    main()
