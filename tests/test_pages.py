"""Every command that README and docs show runs, in the order of the page, on made-up data and small budgets."""

import runpy
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version

from pages import PAGES, ROOT, commands, furnish

from latent_nas import cli
from latent_nas.jobs import models

NOT_RUN = {  # what it begins with: why
    "make ": "installs the project from a package index; the test runs the `latent-nas search` that it calls",
    ".venv/bin/pip install": "fetches wheels from a package index",
    "pip install": "the same",
    "python -m build": "the same, as an sdist",
    "uv ": "fetches wheels from a package index",
    "docker ": "wants a daemon; tests/test_containers.py checks the Dockerfile",
    "conda ": "wants conda; tests/test_containers.py checks the recipe",
    "latent-nas deploy runs/my_run --out fw --flash probe": "wants a board; tests/test_on_board.py has QEMU",
    "pip wheel": "tests/test_package.py builds it and runs what it installs",
}
NAMES = {  # what a page calls one thing or another: what it is here
    "runs/...": "runs/my_run",
    "train --resume runs/my_run": "train --resume runs/trained",
    "train nascnn15 ": "train mlperf_resnet8 ",  # a sixth of the work
    "--task cifar10 ": "--task cifar10:part.npz ",  # the data set itself is 160 MB to fetch
    "--task char_lm ": "--task char_lm:mine.txt ",  # Shakespeare is to fetch as well
}
SMALL = "--trainings 2 --batch 2 --child-epochs 1 --final-seeds 1 --workers 1 --recipe epochs=2"
QUICK = {  # what a command begins with: what is added to it; of equal options the last counts, of limits the tightest
    "search --out runs/my_run": f"{SMALL} --top 1 --limit flash_kb=8 --limit latency_ms=0.8",
    "search --task parts/": f"{SMALL} --top 1 --strategy random --input 16x16x1",
    "search --task words/ --limit flash_kb=32 --limit ram_kb=16 --limit latency_ms=20 --out": (
        f"{SMALL} --top 1 --strategy random"
    ),
    "search --task char_lm": f"{SMALL} --top 1 --strategy random",
    "search --task photos/": f"{SMALL} --top 0 --limit latency_ms=12",  # the default strategy on data of your own
    "search --measure emulate": f"{SMALL} --top 0 --strategy random --limit latency_ms=1",
    "search --config": f"{SMALL} --top 0 --strategy random --limit latency_ms=1",
    "search --task steps.csv": f"{SMALL} --top 0 --strategy random --limit latency_ms=3",
    "search": f"{SMALL} --top 0 --strategy random",
    "scripts/build_dataset.py": "--networks 3 --repeats 1 --repeat-seeds 2 --workers 1 --limit latency_ms=0.8",
    "scripts/train_vqvae.py": "--steps 10",
    "scripts/train_surrogate.py": "--table few.parquet",
    "scripts/train_agent.py": "--steps 600 --limit flash_kb=32",
    "scripts/query_surrogate.py": "--queries 300 --latency-ms 1",
    "scripts/validate_top.py": "--top 1 --final-seeds 1 --workers 1 --recipe epochs=2",
    "train mlperf_resnet8": "--epochs 1 --samples 8 --valid-samples 8 --out runs/trained",
    "train genes.json": "--epochs 1 --samples 8 --valid-samples 8",
    "bench --fetch": "",
    "bench --table nas_bench_graph-cora.csv.gz": (
        "--trainings 6 --seeds 1 --workers 1 --strategies greedy_surrogate,random"
    ),
    "bench": "--trainings 6 --seeds 1 --workers 1",
    "deploy": "--inputs 1 --characters 5",
}


GIVEN = (  # what the pages take for granted beside data
    "latent-nas search --out runs/my_run",
    "latent-nas export runs/my_run/networks/1 --out model.onnx",
)


def prepared(line):
    """Return a page's command as it is run here: the script, or nothing for the command line itself, and arguments."""
    words = renamed(line)
    more = "" if "--resume" in words else next((QUICK[key] for key in QUICK if " ".join(words).startswith(key)), "")
    arguments = [*words, *shlex.split(more)]
    return (arguments[0], arguments[1:]) if arguments[0].endswith(".py") else ("", arguments)


def renamed(line):
    """Return the words of a page's command behind the program, with the names of what is here."""
    for name, here in NAMES.items():
        line = line.replace(name, here)
    return shlex.split(line)[1:]


def run(script, arguments, monkeypatch):
    """Return the exit code of a command, run in this process: one that starts takes seconds to import torch."""
    monkeypatch.setattr(sys, "argv", [script or "latent-nas", *arguments])
    try:
        if script:
            runpy.run_path(str(ROOT / script), run_name="__main__")
        else:
            cli.main()
    except SystemExit as stopped:
        return stopped.code
    raise AssertionError("a command ends with its exit code")


def test_every_command_of_the_pages_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    furnish(tmp_path)
    monkeypatch.setattr(models, "COST_SAMPLES", 300)  # of which a fit otherwise computes thousands
    monkeypatch.setattr(models, "QUICK_SAMPLES", 300)
    failed = []
    for line in [*GIVEN, *(line for page in PAGES for line in commands(page))]:
        if line.startswith(tuple(NOT_RUN)):
            continue
        code = run(*prepared(line), monkeypatch)
        said = capsys.readouterr()
        unwell = "doctor" in line and find("latent_nas") is None  # run from a folder: the doctor is right to say so
        if code != unwell:
            failed.append(f"{line}\n  exit code {code}: {said.err.strip() or said.out.strip()}")
    assert not failed, "\n".join(failed)


def find(package):
    """Return an installed package's version, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def test_nothing_is_said_of_commands_that_no_page_shows():
    shown = [line for page in PAGES for line in commands(page)]
    assert all(any(line.startswith(begin) for line in shown) for begin in NOT_RUN)
    for name in NAMES:
        assert any(name in f"{line} ".replace("runs/...", "runs/my_run") or name in line for line in shown), name
    words = [" ".join(renamed(line)) for line in [*GIVEN, *shown] if not line.startswith(tuple(NOT_RUN))]
    assert all(any(line.startswith(begin) for line in words) for begin in QUICK)
