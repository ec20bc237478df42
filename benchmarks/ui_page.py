"""How fast `latent-nas ui` is in a browser: a page complete after its request, and new after a training.

    python benchmarks/ui_page.py --networks 500 --repeats 5

Starts the command on a run of so many networks, as tests/run_folder.py makes it, and drives the machine's chromium.
"complete": from the request to all that is in view. "update": from the training in the store to its row in the page.
"ended": from the death of the process that works on the run to the page that says so.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from run_folder import make

from latent_nas import lock
from latent_nas.runs import files
from latent_nas.store import Store

HELD = "import sys; from pathlib import Path; from latent_nas import lock; p = Path(sys.argv[1])\n"
HELD += "with lock.held(p / lock.INSIDE, p): print('held', flush=True); sys.stdin.read()"
DRAWN = "html[data-ready][data-drawn]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        make(runs / "many", asked.networks)
        begun = time.monotonic()
        command = [sys.executable, "-m", "latent_nas", "ui", str(runs), "--no-open", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            address = process.stdout.readline().strip()
            print(f"address printed: {time.monotonic() - begun:.2f} s after the command")
            try:
                drive(address, runs / "many", asked.repeats)
            finally:
                process.terminate()


def drive(address: str, run: Path, repeats: int) -> None:
    from playwright.sync_api import sync_playwright

    place = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=place, args=["--no-sandbox"])
        page = browser.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(address) else None)
        for name, path in (
            ("runs", ""),
            ("run", "run/many/"),
            ("network", "run/many/network/7"),
            ("report", "run/many/report"),
        ):
            wanted = DRAWN if name != "report" else "html[data-drawn]"
            shown(f"complete, {name}", [complete(page, address + path, wanted) for _ in range(repeats)])
        page.goto(f"{address}run/many/")
        page.wait_for_selector("body[data-follows]")
        store = Store(run / files.STORE)
        first, rows = store.records()[0], page.locator("#networks tbody tr").count()
        took = []
        for i in range(repeats):
            added = replace(first, genes=(*first.genes[:-1], first.genes[-1] + i + 1), seed=1000 + i, round=9999)
            began = time.monotonic()
            store.add(added)
            page.wait_for_selector(f"#networks tbody tr >> nth={rows + i}")
            took.append(time.monotonic() - began)
        store.close()
        shown("update after a training", took)
        shown("ended after a death", [death(page, run) for _ in range(repeats)])
        print(f"console and requests elsewhere: {said or 'nothing'}")
        browser.close()


def complete(page, address: str, wanted: str) -> float:
    began = time.monotonic()
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector(wanted)
    return time.monotonic() - began


def death(page, run: Path) -> float:
    (run / files.RESULT).unlink(missing_ok=True)  # else it would be finished
    held = [sys.executable, "-c", HELD, str(run)]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        page.wait_for_selector(".state.running")
        assert lock.holder(run / files.LOCK)
        other.kill()
        began = time.monotonic()
        page.wait_for_selector(".state.stopped")
        return time.monotonic() - began


def shown(what: str, took: list[float]) -> None:
    print(f"{what}: median {statistics.median(took):.2f} s, worst {max(took):.2f} s, of {len(took)}")


if __name__ == "__main__":
    main()
