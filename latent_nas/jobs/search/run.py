"""The main job: search, recalibrate, train the best in full, prove that they fit."""

import time
from collections.abc import Callable

from latent_nas import accelerator, plugins, report, threads
from latent_nas.evaluators import Evaluator
from latent_nas.jobs.final import finalise
from latent_nas.jobs.ranks import along_front
from latent_nas.jobs.search.about import about_core, about_data, keep_data
from latent_nas.jobs.search.assemble import assemble
from latent_nas.jobs.search.board import Board
from latent_nas.jobs.search.prepare import Prepared
from latent_nas.jobs.search.resume import check_judged, check_recipe, note_anew
from latent_nas.jobs.search.watch import Watch, Watched
from latent_nas.limits import Limits
from latent_nas.objectives import Judged, open_objective
from latent_nas.records import Record, ranked, versions
from latent_nas.runs import files, own
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.schema import FinalNetwork, Result
from latent_nas.store import Store
from latent_nas.study import Study
from latent_nas.target import Setup
from latent_nas.units import cost_row

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


def search(
    prepared: Prepared,
    folder: RunFolder,
    say: Say,
    done: Done,
    board: Board | None = None,
    watch: Watch | None = None,
) -> Result:
    """Run or continue a search in a run folder and return what ``result.json`` holds.

    No other process may work on the folder meanwhile.

    Args:
        prepared, folder: of ``begin`` or ``resumed``.
        say: is told events in a line. done: is told (what, finished, wanted). board: gets every round. watch: of the
            caller's own program.

    Raises:
        ValueError: a run to go on with whose networks were compared by another metric, or of parts that are opened.
    """
    with folder.locked(), threads.one():
        check_judged(folder, prepared.setup.task.kind)
        check_recipe(folder, prepared.config, prepared.setup.task)
        if prepared.limits_changed or prepared.mended:
            note_anew(folder, prepared.limits)
        if prepared.mended:
            own.take(folder.path, prepared.mended)
        folder.go_on(prepared.config.to_json())
        return _search(prepared, folder, say, done, board, watch or Watch())


def _search(prepared: Prepared, folder: RunFolder, say: Say, done: Done, board: Board | None, watch: Watch) -> Result:
    started, config = time.monotonic(), prepared.config
    setup, limits = prepared.setup, prepared.limits

    def tell(line: str) -> None:
        folder.log(line)
        say(line)

    for line in prepared.said:
        tell(line)
    store = folder.store()
    before = max(store.note("wall_s") or 0.0, store.note("search_s") or 0.0)  # a killed run has noted its rounds only
    pool: Evaluator = plugins.load("evaluators", config.measure)(config.target, config.workers, config.ray)
    pool.say = tell
    evaluator = Watched(Judged(pool, open_objective(config.objective, limits)), watch)
    try:
        about = about_data(setup, config.front_end_apart, config.front_found)
        for line in about:
            tell(line)
        keep_data(folder, setup, about)
        study = assemble(prepared, folder, evaluator, tell, lambda a, b: done("trainings", a, b))

        def shown() -> None:
            show(folder, setup, study, tell, board)
            watch.rounded(study.records)

        tell(f"searching {config.target.space} for {config.target.task} on {config.target.device}: {limits.text()}")
        for line in (*about_core(setup), accelerator.said(config.target.accelerator)):
            tell(line)
        if (bits := setup.target.weight_bits) < 8:
            tell(f"limits and costs are of {bits}-bit weights, as final networks have; trainings before measure 8 bits")
        study.after_round = shown
        study.stopped = lambda: watch.stopped
        found = study.run()
        show(folder, setup, study, tell)  # a run that was killed between its last round and this has no tables of it
        kept = [r for r in ranked(found) if not limits.exceeded(*cost_row(r))]  # limits may have changed since
        best = _chosen(prepared, [r for r in kept if not over(r, limits)])
        if left := sum(over(r, limits) for r in kept):
            tell(f"{left} trained networks exceed the limits on the emulated device and are left out")
        if best:
            which = "best" if config.finals == "best" else "best and smaller ones along the front,"
            tell(f"training the {which} {len(best)} in full, {config.final_seeds} seeds each")
        networks = finalise(
            setup,
            limits,
            best,
            evaluator,
            store,
            config.seed,
            config.final_seeds,
            folder.path / files.NETWORKS,
            tell,
            lambda a, b: done("final trainings", a, b),
        )
    finally:
        evaluator.close()
        store.write_note("wall_s", before + time.monotonic() - started)
    result = _result(prepared, store, found, best, networks)
    folder.write_result(result)
    store.close()
    report_on(folder, tell)
    return result


def _chosen(prepared: Prepared, order: list[Record]) -> list[Record]:
    """Return the networks to train in full of those that keep the limits, the best first."""
    config, task = prepared.config, prepared.setup.task
    if config.finals == "best" or not config.top:
        return order[: config.top]
    return along_front(order, config.top, task.kind, task.baseline().metrics[task.kind.metric.name])


def _result(
    prepared: Prepared, store: Store, records: list[Record], best: list[Record], networks: list[FinalNetwork]
) -> Result:
    """Return what ``result.json`` holds of a search's records, the best of them and the final networks."""
    config, setup = prepared.config, prepared.setup
    return Result(
        networks=tuple(networks),
        trainings=len(records),
        failed_trainings=sum(not r.ok for r in records),
        short_trainings=sum(r.short for r in store.records()),
        objective=best[0].objective if best else None,
        higher_is_better=best[0].higher_is_better if best else None,
        best_measured_valid=best[0].measured if best else {},
        baseline=setup.task.baseline().to_json(),
        wall_s=store.note("wall_s"),
        search_s=store.note("search_s"),
        seed=config.seed,
        test_reads=store.note("test_reads") or 0,
        limits=prepared.limits.to_json(),
        front_end=setup.front_end.to_json() if setup.front_end else None,
        config=config.to_json(),
        versions=versions(),
    )


def show(folder: RunFolder, setup: Setup, study: Study, say: Say, board: Board | None = None) -> None:
    """Write a study's tables and report as they are after a round."""
    folder.write_tables(setup, study.records, study.store, study.limits)
    codec = study.strategy.problem.codec
    if codec is not None and study.records:
        folder.write_latent(codec, study.records)
    report_on(folder, say)
    if board:
        board.round(study.store, study.records)


def report_on(folder: RunFolder, say: Say) -> None:
    """Write a run's report; where that is impossible it is said, and no search ends by it."""
    try:
        report.write(folder.path)
    except (ValueError, OSError) as error:
        say(f"the report was not written: {error}")


def over(record: Record, limits: Limits) -> bool:
    """Return whether a network was emulated and exceeded the limits there."""
    if not record.emulated_instructions:
        return False
    return bool(limits.exceeded(*(cost or 0 for cost in cost_row(record, "emulated_"))))
