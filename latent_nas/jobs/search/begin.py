"""The run folder of a search that begins or goes on."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from latent_nas import plugins
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import Prepared, prepare
from latent_nas.jobs.search.resume import going_on, mendable, other_versions
from latent_nas.records import SEARCH
from latent_nas.runs import files, own
from latent_nas.runs.folder import RunFolder, new_path


def begin(config: SearchConfig, out: Path | None) -> tuple[Prepared, RunFolder]:
    """Return a new search and the folder of its run: ``out``, or runs/<time>-<strategy>.

    Raises:
        ValueError: wrong input, or there is something at that place; nothing is written then.
    """
    prepared = prepare(config)
    return prepared, RunFolder.create(out or new_path(config.strategy), config.to_json())


def resumed(path: Path, **asked: Any) -> tuple[Prepared, RunFolder]:
    """Return the search of a run folder and the folder.

    Args:
        asked: options that the user gives anew, see ``resume.going_on``.

    Raises:
        ValueError: it is not a run folder, is damaged, or holds code that nobody vouches for; or the search can't go
            on so, see ``going_on`` and ``prepare``.
    """
    folder, saved = RunFolder.open(path)
    mended = own.mended(path, str(asked.get("strategy", "")))
    own.bring(path)
    if mended and (mended := mendable(mended, saved)):
        plugins.unpacked(plugins.Luggage((mended,)))
    begun = SearchConfig.from_json(saved)
    config, said = going_on(begun, asked)
    if mended:
        said.append(f"{mended.path} has changed; the strategy begins anew as it is now, and is told all trainings")
    said += own.changed(path, mended.path if mended else "")
    if old := begun.settings[len(saved.get("settings", ())) :]:
        said.append(f"goes on with {', '.join(old)}, as it began: the default has changed since")
    if (folder.path / files.STORE).exists():
        with closing(folder.store()) as store:
            records, findings = store.records(), store.findings()
        spent = max([sum(r.fidelity == SEARCH for r in records), *(found.get("spent", 0) for found in findings)])
        if "trainings" in asked and config.trainings < spent:
            raise ValueError(f"--trainings {config.trainings}: {path} holds {spent:g} already; ask for as many or more")
        said += other_versions(records)
    changed = config.limits != begun.limits
    prepared = prepare(config, folder.path / files.CODEC)
    return replace(prepared, said=(*said, *prepared.said), limits_changed=changed, mended=mended), folder
