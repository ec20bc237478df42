"""Named results at three budgets: a search of each task within 8, 16 and 32 KB of flash, its finals as a front.

For tasks whose metric is an accuracy.

python benchmarks/budgets.py digits mnist1d --out named                       # goes on where it was stopped
python benchmarks/budgets.py spoken_digits --budget 16 --budget 32 --out named
python benchmarks/budgets.py digits --out named --picture docs/results/budgets.svg --pack release

Every search is the command ``latent-nas search``, whose finals read the test part once. ``--pack`` writes each run's
folder as a small .zip, without what ``latent-nas report`` makes again, and the .zip files' hashes.
"""

import argparse
import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

from latent_nas import artifacts

BUDGETS = (8, 16, 32)  # KB of flash
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 60, 20, 46, 45
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
MADE_AGAIN = ("report.html", "samples.svg")
EPOCH = (1980, 1, 1, 0, 0, 0)  # of files in an archive, so that a run gives one hash where one zlib packs it


def found(task, budget, options):
    """Return result.json of a task's search within a budget, searched where it was not yet."""
    place = options.out / f"{task}-{budget}kb"
    if not (place / "result.json").exists():
        begun = (place / "config.json").exists()
        limits = ["--limit", f"flash_kb={budget}", "--limit", f"ram_kb={options.ram}"]
        effort = ["--finals", "front", "--trainings", str(options.trainings), "--seed", str(options.seed),
                  "--top", str(options.top)]  # fmt: skip
        asked = ["--task", task, *limits, *effort, "--out", str(place)]
        command = ["--resume", str(place)] if begun else asked
        log = options.out / f"{task}-{budget}kb.log"
        with log.open("a", encoding="utf-8") as file:
            done = subprocess.run(
                [sys.executable, "-m", "latent_nas", "search", *command, "--workers", str(options.workers)],
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        if done.returncode:
            raise SystemExit(f"the search for {task} within {budget} KB ended with {done.returncode}; see {log}")
    return json.loads((place / "result.json").read_text(encoding="utf-8"))


def rows(task, budget, result):
    """Return what is said of each final network, the best on validation first."""
    made = []
    for rank, one in enumerate(result["networks"], 1):
        if not one["measured_int8"]:  # all of its final trainings failed
            continue
        (name, mean), *_ = one["measured_int8"].items()
        spread = one["measured_int8_std"][name]
        made.append({"task": task, "budget": budget, "rank": rank, "metric": name, "mean": mean, "std": spread,
                     "seeds": one["seeds"], "flash": one["flash_bytes"], "ram": max(one["ram_bytes"].values()),
                     "ms": one["latency_ms"], "fits": one["fits"]})  # fmt: skip
    return made


def table(points):
    """Return the finals as Markdown."""
    lines = ["| task | budget | final | int8 on the test part, mean and std of seeds | flash, RAM | computed time |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for p in points:
        lines.append(f"| {p['task']} | {p['budget']} KB | {p['rank']} | {p['metric']} {p['mean']:.4f} +- {p['std']:.4f}"
                     f" ({p['seeds']}) | {p['flash']:,} B, {p['ram']:,} B | {p['ms']:.2f} ms |")  # fmt: skip
    return "\n".join(lines)


def picture(points):
    """Return an SVG of accuracy over flash, a line along each task's best."""
    low = max(0.0, min(p["mean"] - p["std"] for p in points) - 0.01)
    low = int(low * 20) / 20

    def place(flash, value):
        x = LEFT + flash / 1024 / max(BUDGETS) * (WIDTH - LEFT - RIGHT)
        return x, TOP + (1 - value) / (1 - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for step in range(6):
        value = low + (1 - low) * step / 5
        x, y = place(0, value)
        parts.append(f'<path d="M{x} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{100 * value:.0f} %</text>')
    for budget in BUDGETS:
        x, _ = place(1024 * budget, 1)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#bbb" stroke-dasharray="4"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{budget}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">flash of the image, KB</text>')
    parts.append(f'<text x="{LEFT}" y="20">int8 on the test part, mean and std of seeds; dashed: the budgets</text>')
    for i, task in enumerate(dict.fromkeys(p["task"] for p in points)):
        colour, own = (
            COLOURS[i % len(COLOURS)],
            sorted((p for p in points if p["task"] == task), key=lambda p: p["flash"]),
        )
        best, line = -1.0, []
        for p in own:
            (x, y), half = place(p["flash"], p["mean"]), p["std"] / (1 - low) * (HEIGHT - TOP - BOTTOM)
            parts.append(f'<path d="M{x:.1f} {y - half:.1f}V{y + half:.1f}" stroke="{colour}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            if p["mean"] > best:
                best, line = p["mean"], [*line, f"{x:.1f},{y:.1f}"]
        parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{LEFT + 10 + 130 * i}" y="38" fill="{colour}">{task}</text>')
    font = 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {font}>'
    return head + "\n" + "\n".join(parts) + "\n</svg>\n"


def packed(run, archive):
    """Write a run's folder as .zip and return its hash and size."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for path in sorted(p for p in run.rglob("*") if p.is_file() and p.name not in MADE_AGAIN):
            file.writestr(zipfile.ZipInfo(f"{run.name}/{path.relative_to(run)}", EPOCH), path.read_bytes(),
                          zipfile.ZIP_DEFLATED)  # fmt: skip
    return sha256(archive.read_bytes()).hexdigest(), archive.stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=int, action="append", help="KB of flash; default: 8, 16, 32")
    parser.add_argument("--trainings", type=int, default=24)
    parser.add_argument("--ram", type=float, default=16, help="KB")
    parser.add_argument("--top", type=int, default=3, help="final networks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--pack", type=Path, help="folder for the .zip files")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    points, budgets = [], options.budget or BUDGETS
    for task in options.tasks:
        for budget in budgets:
            own = rows(task, budget, found(task, budget, options))
            print(table(own) if not points else table(own).split("\n", 2)[2], flush=True)
            points += own
    if options.picture:
        artifacts.write(options.picture, picture(points))
    if options.pack:
        runs = [options.out / f"{task}-{budget}kb" for task in options.tasks for budget in budgets]
        sums = {run.name: packed(run, options.pack / f"{run.name}.zip") for run in runs}
        artifacts.write(
            options.pack / "SHA256SUMS", "".join(f"{digest}  {name}.zip\n" for name, (digest, _) in sums.items())
        )
        print(f"{sum(size for _, size in sums.values()) / 2**20:.1f} MB in {len(sums)} archives, {options.pack}")


if __name__ == "__main__":
    main()
