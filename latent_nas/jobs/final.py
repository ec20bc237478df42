"""Final validation: the best networks trained in full, on train and validation data, and read on the test part once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latent_nas import seeds
from latent_nas.evaluators import Evaluator, Job
from latent_nas.jobs import kept
from latent_nas.jobs.described import describe
from latent_nas.jobs.proof import prove, tools_missing
from latent_nas.limits import Limits
from latent_nas.records import Record, words
from latent_nas.runs import files
from latent_nas.runs.schema import FinalNetwork
from latent_nas.store import Store
from latent_nas.target import Setup
from latent_nas.tasks.kinds import Kind
from latent_nas.training import aware, narrow
from latent_nas.training.quantise import QuantisedNetwork


def finalise(
    setup: Setup,
    limits: Limits,
    chosen: Sequence[Record],
    evaluator: Evaluator,
    store: Store,
    seed: int,
    repeats: int,
    folder: Path,
    say: Callable[[str], None],
    done: Callable[[int, int], None],
) -> list[FinalNetwork]:
    """Return a description of every chosen network, fully trained, the best on the validation part first.

    The epochs are fixed by one run that stops early on the validation part; the networks reported are then trained on
    train and validation data with ``repeats`` seeds, once more with another where one has learnt nothing, and by
    quantisation-aware training where that run was. The first seed's is kept. The order comes from validation, never
    from the test part. Where compiler and emulator are installed, each becomes firmware beside ``folder`` and runs on
    the emulated device.
    """
    finals = _Finals(setup, limits, evaluator, store, folder, say)
    wanted = len(chosen) * (repeats + 1)
    order = finals.checked(chosen, seeds.derive(seed, "epochs") % 2**31, lambda n: done(n, wanted))
    runs = [seeds.derive(seed, "full", i) % 2**31 for i in range(repeats)]
    kept, collapsed = finals.trained(order, runs, lambda n: done(len(chosen) + n, wanted))
    missing = tools_missing(setup)
    if missing and order:
        say(f"final networks are not run on the emulated device: {missing}")
    return [finals.described(order, rank, kept, collapsed, not missing) for rank in range(1, len(order) + 1)]


Checked = tuple[Record, Record]  # a network's training in the search, and its full one that validation judged


@dataclass(frozen=True)
class _Finals:
    """What the trainings of final networks have in common.

    Attributes:
        folder: of the networks that are kept, by rank.
    """

    setup: Setup
    limits: Limits
    evaluator: Evaluator
    store: Store
    folder: Path
    say: Callable[[str], None]

    def checked(self, chosen: Sequence[Record], seed: int, done: Callable[[int], None]) -> list[Checked]:
        """Return the networks whose full training on the training part came out, the best on validation first."""
        jobs = [Job(r.genes, seed, "full", eight_bit_ends=_ends(self.setup, self.limits, r.genes)) for r in chosen]
        records = _all(jobs, self.evaluator, self.store, done)
        for record in records:
            if not record.ok:
                self.say(f"full training {record.status}: {record.reason}")
        pairs = [(search, check) for search, check in zip(chosen, records, strict=True) if check.ok]
        name = self.setup.task.kind.metric.name
        for search, check in pairs:
            if name in check.measured_int8:
                reached = f"int8 {words(name)} {check.measured_int8[name]:.4f} on validation"
                self.say(f"{search.parameters:,} parameters in full: {reached}, epoch {check.epochs}")
            if line := _decision(self.setup, check):
                self.say(f"{search.parameters:,} parameters: {line}")
        return sorted(pairs, key=lambda pair: (-(_judged(*pair).score or 0), pair[1].latency_ms, pair[1].genes))

    def trained(
        self, order: Sequence[Checked], runs: Sequence[int], done: Callable[[int], None]
    ) -> tuple[list[Record], list[Record]]:
        """Return the trainings of all networks with all seeds ``runs``, and those that others were done in place of.

        The first seed's network is kept in the folder, unless it has learnt nothing.
        """
        first = [
            Job(
                check.genes,
                seed,
                "full",
                part="test",
                epochs=check.epochs,
                keep=str(self.folder / f"{rank}") if seed == runs[0] else "",
                qat_epochs=check.qat_epochs,
                eight_bit_ends=check.eight_bit_ends,
            )
            for rank, (_, check) in enumerate(order, 1)
            for seed in runs
        ]
        jobs, reached = list(first), {check.genes: check for _, check in order}
        for i, job in enumerate(jobs):  # one that has learnt nothing left its folder to another seed
            before = _held(job, self.store)
            if before is not None and before.ok and not learnt(self.setup, reached[job.genes], before):
                jobs[i] = replace(job, keep="")
        finals = self._tested(jobs, done)
        lost = [i for i, final in enumerate(finals) if not learnt(self.setup, reached[final.genes], final)]
        for i in lost:
            why = _why(self.setup, reached[finals[i].genes], finals[i])
            self.say(f"final training of seed {finals[i].seed}: {why}; it is trained again with another seed")
        again = [replace(first[i], seed=seeds.derive(first[i].seed, "again") % 2**31) for i in lost]
        collapsed = [finals[i] for i in lost]
        for i, final in zip(lost, self._tested(again, lambda n: None), strict=True):
            finals[i] = final
            if not learnt(self.setup, reached[final.genes], final):
                why = _why(self.setup, reached[final.genes], final)
                self.say(f"final training of seed {final.seed} as well: {why}; it stays in the figures")
        return finals, collapsed

    def _tested(self, jobs: Sequence[Job], done: Callable[[int], None]) -> list[Record]:
        """Return the records of jobs that read the test part; each read is counted before it is done."""
        fresh = sum(_missing(job, self.store) for job in jobs)
        if fresh:
            self.store.write_note("test_reads", (self.store.note("test_reads") or 0) + fresh)
            self.say(f"the test part is read by {fresh} training{'s' * (fresh > 1)} (final validation)")
        return _all(jobs, self.evaluator, self.store, done)

    def described(
        self, order: Sequence[Checked], rank: int, finals: Sequence[Record], collapsed: Sequence[Record], prove_it: bool
    ) -> FinalNetwork:
        """Return what is known of the network of a rank, from 1, after its proof on the emulated device."""
        setup, (search, check), network, proof = self.setup, order[rank - 1], self.folder / f"{rank}", None
        if network.is_dir() and prove_it:
            proof = prove(setup, network, self.folder.parent / files.FIRMWARE / f"{rank}", self.say)
        own = [f for f in finals if f.genes == search.genes]
        graph = QuantisedNetwork.load(network).graph if setup.target.prune_to and network.is_dir() else None
        return replace(
            describe(setup, self.limits, search, check, own, proof, graph),
            collapsed_seeds=tuple(f.seed for f in collapsed if f.genes == search.genes),
            like_first=_alike(setup.task.kind, _judged(*order[0]), _judged(search, check)) if rank > 1 else None,
        )


def _decision(setup: Setup, check: Record) -> str:
    """Return what validation decided of a network's bits or its fine-tuning, in a line; "" where nothing was tried."""
    floats, integers, epochs = check.measured_float, check.measured_int8, check.qat_epochs
    if eight := check.measured_eight_bits:
        return narrow.said(setup.task, setup.target.weight_bits, check.eight_bit_ends, floats, eight, integers, epochs)
    if before := check.measured_without_qat:
        return aware.said(setup.task, floats, before, integers, epochs)
    return ""


def _ends(setup: Setup, limits: Limits, genes: tuple[int, ...]) -> bool | None:
    """Return False where a network's first and last layer must not keep 8 bits: it would exceed the limits; else None.

    None leaves that to the validation part.
    """
    if setup.target.weight_bits == 8:
        return None
    cost = setup.costs_of(setup.built(genes).graph, eight_bit_ends=True)
    return False if cost.region is None or cost.exceeded(limits) else None


def _judged(search: Record, check: Record) -> Record:
    """Return the training of a network that more samples judged; the full one where as many did."""
    return max((check, search), key=lambda record: record.samples)


def _alike(kind: Kind, first: Record, other: Record) -> bool | None:
    """Return whether validation can't tell a network from the first one; None where no interval is known."""
    name = kind.metric.name
    if not first.interval or name not in other.measured_int8:
        return None
    return kind.metric.signed(other.measured_int8[name]) >= min(map(kind.metric.signed, first.interval))


def learnt(setup: Setup, check: Record, final: Record) -> bool:
    """Return whether a final training came out at all, told by what it learnt from and never by the test part.

    It has to be nearer to what the same network reached on the validation part than to what needs no network.
    """
    metric = setup.task.kind.metric
    if not final.ok or final.learned is None or metric.name not in check.measured_int8:
        return final.ok
    without = metric.signed(setup.task.baseline().metrics[metric.name])
    reached = metric.signed(check.measured_int8[metric.name])
    return metric.signed(final.learned) >= (without + reached) / 2 or reached <= without


def _why(setup: Setup, check: Record, final: Record) -> str:
    if not final.ok:
        return final.reason
    name = setup.task.kind.metric.name  # whatever the search's objective is: this is what ``learned`` measures
    before = f"{check.measured_int8[name]:.4f} on validation before"
    return f"it has not learnt ({words(name)} {final.learned:.4f} on what it was taught, {before})"


def _all(jobs: Sequence[Job], evaluator: Evaluator, store: Store, done: Callable[[int], None]) -> list[Record]:
    """Return the records of all jobs, in their order; those the store lacks are trained."""
    missing = [job for job in jobs if _missing(job, store)]
    for job in missing:
        kept.make_room(job)
    finished = len(jobs) - len(missing)
    for record in evaluator.evaluate(missing):
        kept.note(store, missing, record)
        store.add(record)
        finished += 1
        done(finished)
    found = [_held(job, store) for job in jobs]
    return [record for record in found if record is not None]


def _held(job: Job, store: Store) -> Record | None:
    return store.get(job.genes, job.seed, job.fidelity, job.part)


def _missing(job: Job, store: Store) -> bool:
    """Return whether a job is to be done: it has no record, was lost, or what it kept is not there as it was."""
    record = _held(job, store)
    return record is None or record.lost or (record.ok and kept.gone(store, job))
