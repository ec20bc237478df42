"""The names of what lies in a run folder."""

from pathlib import Path

from latent_nas import lock

CONFIG = "config.json"  # of every run: what was asked
RESULT = "result.json"  # at its end: what was found

LOCK = lock.INSIDE  # of every run that a process works on

# Of `latent-nas search` and `validate`.
STORE = "study.sqlite"  # all trainings, and what a resumed search needs
LOG = "search.log"
HISTORY, ROUNDS, PREDICTIONS, AGENT, PARETO = "history.csv", "rounds.csv", "predictions.csv", "agent.csv", "pareto.csv"
BEST = "best_architecture.json"  # the best network so far
LATENT = "latent.safetensors"
DATA, SAMPLES = "data.json", "samples.svg"  # what was found in the data when the search began
REPORT = "report.html"
CODEC, NETWORKS, FIRMWARE, BOARD = "codec", "networks", "firmware", "tensorboard"  # folders
STATES = "states"  # folder of trainings that were left after some epochs
FIRMWARE_REPORT = "report.json"  # in a firmware's folder

# Of `latent-nas train`.
GRAPH = "graph.json"
CHECKPOINT = "checkpoint.safetensors"
METRICS, CURVES = "metrics.csv", "curves.svg"
INT8 = "int8"  # folder of the int8 network

PLUGINS = "plugins"  # folder of copies of the user's own
UNBEGUN = {LOCK, PLUGINS, GRAPH}  # what a process that died may have written before the configuration
# All that a search leaves, with the journals of SQLite.
OF_SEARCH = UNBEGUN | {CONFIG, RESULT, STORE, f"{STORE}-wal", f"{STORE}-shm", f"{STORE}-journal", LOG}
OF_SEARCH |= {HISTORY, ROUNDS, PREDICTIONS, AGENT, PARETO, BEST, LATENT, DATA, SAMPLES, REPORT}
OF_SEARCH |= {CODEC, NETWORKS, FIRMWARE, BOARD, STATES}


def network(run: Path, rank: int) -> Path:
    """Return the folder of a run's final network, from rank 1."""
    return run / NETWORKS / str(rank)
