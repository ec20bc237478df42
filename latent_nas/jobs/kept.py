"""The folders of final networks: noted in the store when they are written, looked at when a run goes on.

A record says that a network was trained; power cuts, full disks and people may have taken its files.
"""

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from latent_nas.evaluators import Job
from latent_nas.records import Record
from latent_nas.store import Store


def note(store: Store, jobs: list[Job], record: Record) -> None:
    """Note what the job behind a record has kept; called before the record is stored, which then vouches for it."""
    for job in jobs:
        if job.keep and (job.genes, job.seed, job.part) == (record.genes, record.seed, record.part):
            store.write_note(_name(job), _held(job))


def make_room(job: Job) -> None:
    """Remove what lies in a job's folder: of another network, or not whole."""
    if job.keep:
        shutil.rmtree(job.keep, ignore_errors=True)


def gone(store: Store, job: Job) -> bool:
    """Return whether what a job has kept is not there as it was; unknown of stores of release 0.1 with a folder."""
    if not job.keep:
        return False
    noted = store.note(_name(job))
    return not Path(job.keep).is_dir() if noted is None else noted != _held(job)


def _name(job: Job) -> str:
    return f"kept in {Path(job.keep).name}"


def _held(job: Job) -> dict[str, Any]:
    """Return which training's files lie in a job's folder, with their hashes."""
    folder = Path(job.keep)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths}
    return {"genes": list(job.genes), "seed": job.seed, "files": hashes}
