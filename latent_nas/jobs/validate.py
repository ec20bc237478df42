"""The truth about candidates: the best of a query or of a run, trained in full and measured on the test part, once."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from latent_nas import plugins, records, training
from latent_nas.accelerator import AUTO, CPU, said
from latent_nas.jobs import fitting
from latent_nas.jobs.able import able
from latent_nas.jobs.final import finalise
from latent_nas.jobs.make.dataset import with_costs
from latent_nas.jobs.moved import check_of
from latent_nas.jobs.networks import Source, candidates, open_source
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import in_force
from latent_nas.jobs.search.resume import by_kept
from latent_nas.jobs.where import trained_on
from latent_nas.limits import Limits
from latent_nas.ranges import check_least
from latent_nas.records import FULL, Record, ranked
from latent_nas.runs import files, own
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.schema import Result
from latent_nas.store import Store
from latent_nas.target import Setup, Target, open_target
from latent_nas.training import aware
from latent_nas.units import cost_row

PARTS = ("space", "task", "device", "runtime")  # of a target, that a source names


def validate(
    source: Path,
    top: int,
    final_seeds: int,
    workers: int,
    seed: int,
    out: Path,
    say: Callable[[str], None],
    done: Callable[[str, int, int], None],
    accelerator: str = CPU,
    qat: str = aware.AUTO,
    recipe: tuple[str, ...] = (),
    weight_bits: int = 0,
    prune_to: tuple[str, ...] = (),
) -> Result:
    """Train the first ``top`` networks of a source in full; write and return the result.

    Args:
        source: a run, whose best are taken; a JSON file of `latent-nas query`; or the genes of one network and its
            target, as in best_architecture.json.
        qat: quantisation-aware training, see ``tasks.Recipe``. recipe: what of the full one is otherwise, as
            "epochs=80".
        weight_bits: 8 or 4; 0 is as the source says, of others than runs 8.
        prune_to: limits as "flash_kb=12", to which the networks are pruned once they are trained; they count the front
            end as the source's own limits do.
        accelerator: where they are trained; "auto" is where a run trained, else what this machine has.

    Raises:
        ValueError: a number out of range, no genes or no target there, the folder holds something else, as a validation
            of another target or other data is, or no network can be trained or pruned as asked.
    """
    check_least(1, top=top, final_seeds=final_seeds)
    check_least(0, workers=workers, seed=seed)
    aware.check(qat)
    started = time.monotonic()
    target, limits, chosen, kind, apart = _chosen(source, top, say, weight_bits)
    if accelerator != AUTO or target.accelerator == CPU:
        target = replace(target, accelerator=trained_on(accelerator, kind))
    to = fitting.of_networks(open_target(target), prune_to, apart)
    target = replace(target, qat=qat, full_recipe=recipe, prune_to=to)
    limits = limits.tighten(Limits.parse(to))
    setup = open_target(target, anew=True).check()
    plugins.load("evaluators", kind).check(target)
    if recipe:
        training.check(target.recipe(setup.task, FULL), setup.task)
    chosen = able(setup, chosen, say)
    config = {"strategy": "validate", "source": str(source), "top": top, "final_seeds": final_seeds, "seed": seed}
    config |= {"accelerator": target.accelerator} if target.accelerator != CPU else {}  # as before there were others
    config |= {"qat": qat} if qat != aware.AUTO else {}
    config |= {"recipe": list(recipe)} if recipe else {}
    config |= {"weight_bits": weight_bits} if weight_bits else {}
    config |= {"prune_to": list(prune_to)} if prune_to else {}
    whole = asdict(target)  # a source may be written anew for another target, and its data may change
    config |= {"target": {name: whole[name] for name in PARTS}, "data": setup.task.fingerprint}
    say(said(target.accelerator))
    folder = RunFolder(out) if _continues(out, config) else RunFolder.create(out, config)
    with folder.locked():
        found = _validated(folder, setup, limits, chosen, kind, seed, final_seeds, workers, say, done)
        result = replace(found, wall_s=time.monotonic() - started)
        folder.write_result(result)
    return result


def _validated(
    folder: RunFolder,
    setup: Setup,
    limits: Limits,
    chosen: list[Record],
    kind: str,
    seed: int,
    final_seeds: int,
    workers: int,
    say: Callable[[str], None],
    done: Callable[[str, int, int], None],
) -> Result:
    store: Store = folder.store()
    evaluator = plugins.load("evaluators", kind)(setup.target, workers)
    evaluator.say = say
    try:
        networks = finalise(
            setup,
            limits,
            chosen,
            evaluator,
            store,
            seed,
            final_seeds,
            folder.path / files.NETWORKS,
            say,
            lambda a, b: done("final trainings", a, b),
        )
    finally:
        evaluator.close()
    failed = [record for record in store.records() if not record.ok]
    result = Result(
        networks=tuple(networks),
        failed_trainings=0 if any(record.lost for record in failed) else len(failed),
        search_s=0.0,
        seed=seed,
        test_reads=store.note("test_reads") or 0,
        limits=limits.to_json(),
        versions=records.versions(),
    )
    store.close()
    return result


def _continues(out: Path, config: dict[str, Any]) -> bool:
    """Return whether a folder holds the beginning of this validation; False where it holds none.

    Raises:
        ValueError: it is another validation's.
    """
    before = RunFolder.open(out)[1] if (out / files.CONFIG).exists() else {}
    if before.get("strategy") != "validate":
        return False
    now = json.loads(json.dumps(config))
    if other := sorted(name for name in {*before, *now} if before.get(name) != now.get(name)):
        names = ", ".join(name.replace("_", "-") for name in other)
        raise ValueError(f"{out} holds a validation of other {names}; choose another --out, or repeat its options")
    return True


def _chosen(
    source: Path, top: int, say: Callable[[str], None], weight_bits: int = 0
) -> tuple[Target, Limits, list[Record], str, bool]:
    """Return target, limits and networks of a run, a query or one network, and the evaluator for them.

    Beside them whether limits that were asked for there count networks without the front end.

    Of a run those that keep its limits, which may have changed since they were trained; the rest is said.
    """
    if (source / files.STORE).exists():
        folder, saved = RunFolder.open(source)
        own.bring(source)
        config = SearchConfig.from_json(saved)
        check_of(source, config.target.task)
        begun, setup = config.target, open_target(config.target, anew=True).check()
        config, changed = by_kept(config, setup.task)
        for line in changed[-1:] if config.target.kept_full else []:
            say(line)
        target = replace(config.target, weight_bits=weight_bits or config.target.weight_bits)
        setup = setup if target == begun else open_target(target, anew=True).check()
        if config.data and config.data != (now := setup.task.fingerprint):
            say(
                f"the data at {target.task} has changed since the search (sha256 {config.data[:12]}..., now"
                f" {now[:12]}...): its networks are trained and measured on what is there now"
            )
        limits = in_force(config, setup)
        trained = ranked([r for r in folder.store().records() if r.fidelity == "search"])
        trained = trained if target == config.target else with_costs(setup, trained)
        kept = [r for r in trained if not limits.exceeded(*cost_row(r))]
        if trained and not kept:
            raise ValueError(f"no trained network of {source} keeps {limits.text()}; search on, or loosen the limits")
        if len(kept) < len(trained):
            say(f"{len(trained) - len(kept)} trained networks exceed {limits.text()} and are left out")
        emulates = config.measure == "emulate" and target.weight_bits < 8  # which finals are, once they are trained
        kind = "training" if emulates else config.measure
        return target, limits, kept[:top], kind, config.front_end_apart
    if source.exists():
        own.bring(source)
    sources = (candidates(source) if source.suffix == ".json" else [open_source(source)])[:top]
    if not sources:
        raise ValueError(f"{source} has no candidates; ask again with wider limits or more --queries")
    genes = [one.canonical() for one in sources]
    target, limits = replace(_target(sources[0]), weight_bits=weight_bits or 8), sources[0].limits
    setup = open_target(target, anew=True).check()
    blank = [Record(one, target.space, target.task, 0) for one in genes]
    return target, limits, with_costs(setup, blank), "training", sources[0].front_end_apart


def _target(source: Source) -> Target:
    parts = {name: getattr(source, name) for name in PARTS}
    if missing := [name for name, value in parts.items() if not value]:
        raise ValueError(
            f"{source.given} names no {', '.join(missing)}; validate wants a run, best_architecture.json or a JSON of"
            " `latent-nas query`, which name space, task, device and runtime"
        )
    return Target(**parts)
