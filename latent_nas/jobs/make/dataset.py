"""Tables of truly trained networks: draw, train, measure, write as Parquet with a card."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, plugins, seeds
from latent_nas.evaluators import Job
from latent_nas.limits import Limits
from latent_nas.ranges import check_least
from latent_nas.records import SEARCH, Record, objective_of, versions
from latent_nas.store import Store
from latent_nas.target import Setup, Target, open_target
from latent_nas.tasks._changes import alike, told
from latent_nas.tasks.stated import check_stated
from latent_nas.units import cost_row

MEASURED = ("float", "int8", "beside")  # fields measured_... of a record, a column for each of their metrics
# Fields of a record that are of the machine, or of final trainings.
NOT_IN_TABLES = {"versions", "samples", "interval", "learned", "evidence", "qat_epochs", "measured_without_qat"} | {
    "eight_bit_ends",
    "measured_eight_bits",
    "channels",
}
APART = "; "  # between the changes of a recipe, whose values may have commas
VAIN = 20  # batches of 500 random networks without a new one, after which drawing ends


@dataclass(frozen=True)
class DatasetPlan:
    """What is trained.

    Attributes:
        networks: distinct ones, each with seed 0. repeats: how many of the first of them are trained with
            ``repeat_seeds`` seeds in all. limits: three quarters of the networks keep them, one quarter costs up to
            twice as much.

    Raises:
        ValueError: a number out of range.
    """

    target: Target
    limits: Limits
    networks: int = 3000
    repeats: int = 300
    repeat_seeds: int = 5
    seed: int = 0
    evaluator: str = "training"

    def __post_init__(self) -> None:
        check_least(1, networks=self.networks, repeat_seeds=self.repeat_seeds)
        check_least(0, repeats=self.repeats, seed=self.seed)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as read back; those of a plan from before there were other evaluators are as before."""
        found: dict[str, Any] = json.loads(json.dumps({**asdict(self), "limits": self.limits.to_json()}))
        if self.evaluator == "training":
            del found["evaluator"]
        return found


def draw(setup: Setup, plan: DatasetPlan) -> list[tuple[int, ...]]:
    """Return the distinct networks to train, (flash, RAM, latency) limits kept as the plan says.

    Raises:
        ValueError: there are not so many, or none is found.
    """
    double = Limits(**{k: None if v is None else 2 * v for k, v in asdict(plan.limits).items()})
    found: dict[tuple[int, ...], None] = {}
    inside, batch, last = 0, 0, 0  # last: batch with something new
    while len(found) < plan.networks:
        if batch - last > VAIN:
            raise ValueError(
                f"{plan.networks} networks are wanted and {len(found)} were found, three quarters within {plan.limits},"
                " none beyond twice that; ask for fewer, or loosen the limits"
            )
        genes = setup.space.sample(seeds.rng(plan.seed, "dataset", batch), 500)
        for row, tight, wide in zip(genes, setup.fits(genes, plan.limits), setup.fits(genes, double), strict=True):
            key = tuple(map(int, row))
            room = inside < 0.75 * plan.networks if tight else len(found) - inside < 0.25 * plan.networks
            if wide and room and key not in found and len(found) < plan.networks:
                found[key] = None
                inside, last = inside + int(tight), batch
        batch += 1
    return list(found)


def build(
    plan: DatasetPlan, path: Path, workers: int, say: Callable[[str], None], done: Callable[[int, int], None]
) -> list[Record]:
    """Train what the store at ``path`` does not hold yet and return all records of the plan, in its order."""
    setup = open_target(plan.target, anew=True).check()
    check_stated(setup.task)
    networks = None
    if not path.exists():  # what can't be drawn leaves no store
        say(f"drawing {plan.networks} networks")
        networks = draw(setup, plan)
    store = Store(path)
    wanted: dict[str, Any] = {"plan": plan.to_json()}
    wanted |= {"data": setup.task.fingerprint} if setup.task.fingerprint else {}
    if store.note("plan") not in (None, wanted):
        raise ValueError(f"{path} holds another data set's trainings; choose another --work file")
    recipe = told(plan.target.recipe(setup.task, SEARCH))
    for strange in (r.recipe for r in store.records() if not alike(r.recipe, recipe)):
        by = ", ".join(strange) or "another recipe, which it did not keep"
        raise ValueError(
            f"{path} holds networks that learnt by {by}, and they would by {', '.join(recipe)} now; choose another"
            " --work file"
        )
    store.write_note("plan", wanted)
    networks = networks or store.note("networks") or draw(setup, plan)
    store.write_note("networks", networks)
    keys = [(tuple(g), 0) for g in networks]
    keys += [(tuple(g), s) for g in networks[: plan.repeats] for s in range(1, plan.repeat_seeds)]
    held = {(r.genes, r.seed) for r in store.records() if not r.lost}  # those are tried again
    jobs = [Job(genes, seed) for genes, seed in keys if (genes, seed) not in held]
    finished = len(keys) - len(jobs)
    evaluator = plugins.load("evaluators", plan.evaluator)(plan.target, workers)
    try:
        for start in range(0, len(jobs), 200):
            for record in evaluator.evaluate(jobs[start : start + 200]):
                store.add(record)
                finished += 1
                done(finished, len(keys))
    finally:
        evaluator.close()
    records = {(r.genes, r.seed): r for r in store.records()}
    store.close()
    return [records[key] for key in keys]


def with_costs(setup: Setup, records: Sequence[Record]) -> list[Record]:
    """Return the records with their costs computed anew for the setup's device and runtime."""
    exact = setup.exact(np.array([r.genes for r in records]))
    device, runtime = setup.target.device, setup.target.runtime
    return [
        replace(
            r, flash_bytes=int(flash), ram_bytes=int(ram), latency_ms=float(latency), device=device, runtime=runtime
        )
        for r, (flash, ram, latency) in zip(records, exact, strict=True)
    ]


def table(setup: Setup, records: list[Record]) -> Any:
    """Return a pandas frame: a column per gene, then what was measured and computed, the curve as a list."""
    import pandas as pd

    rows = []
    for record in records:
        body = record.to_json()
        genes = dict(zip((f"gene.{g.name}" for g in setup.space.genes), body.pop("genes"), strict=True))
        for name in NOT_IN_TABLES:
            del body[name]
        measured = {
            f"measured_{kind}_{name}": v for kind in MEASURED for name, v in body.pop(f"measured_{kind}").items()
        }
        rows.append({**genes, **body, **measured, "curve": list(record.curve), "recipe": APART.join(record.recipe)})
    return pd.DataFrame(rows)


def read(path: Path) -> list[Record]:
    """Return the records of a table.

    Raises:
        ValueError: the file is missing, damaged, or no such table.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist; build it with scripts/build_dataset.py") from None
    except (OSError, ValueError) as error:  # pyarrow's errors are both
        raise ValueError(f"{path} is not a whole Parquet file: {str(error).splitlines()[0]}") from None
    genes = [c for c in frame.columns if c.startswith("gene.")]
    needed = {"space", "task", "seed", "status"} - set(frame.columns)
    if not genes or needed:
        raise ValueError(
            f"{path} has no {', '.join(sorted(needed)) or 'gene.* column'}; is it a table of this project?"
        )
    matrix = frame[genes].to_numpy(int)
    rows = frame.drop(columns=genes).to_dict("records")
    records = []
    for g, row in zip(matrix.tolist(), rows, strict=True):
        plain = {str(k): _plain(v) for k, v in row.items()}
        plain["recipe"] = plain["recipe"].split(APART) if plain.get("recipe") else []
        for kind in MEASURED:
            start = f"measured_{kind}_"
            named = {k.removeprefix(start): plain.pop(k) for k in list(plain) if k.startswith(start)}
            plain[f"measured_{kind}"] = {name: value for name, value in named.items() if value is not None}
        records.append(Record.from_json({**plain, "genes": g}))
    return records


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if isinstance(value, float) and np.isnan(value) else value


def write(setup: Setup, plan: DatasetPlan, records: list[Record], folder: Path) -> Path:
    """Write ``<space>-<task>.parquet`` and its card ``.md`` and return the table's path."""
    import io

    name = f"{plan.target.space}-{setup.task.name}"
    records = with_costs(setup, records)
    buffer = io.BytesIO()
    table(setup, records).to_parquet(buffer, index=False, compression="zstd")
    artifacts.write(folder / f"{name}.parquet", buffer.getvalue())
    artifacts.write(folder / f"{name}.md", card(setup, plan, records))
    return folder / f"{name}.parquet"


def noise(records: list[Record]) -> dict[str, float]:
    """Return the spread of the objective over seeds of one network, and Kendall's tau-b between two single seeds."""
    from scipy.stats import kendalltau

    runs: dict[tuple[int, ...], list[float]] = {}
    for record in records:
        if record.ok and record.score is not None:
            runs.setdefault(record.genes, []).append(record.score)
    repeated = [v for v in runs.values() if len(v) > 1]
    if len(repeated) < 3:
        return {}
    full = np.array([v for v in repeated if len(v) == max(map(len, repeated))])
    means = [np.delete(full, i, 1).mean(axis=1) for i in range(full.shape[1])]
    pairs = [(i, j) for i in range(full.shape[1]) for j in range(i)]
    return {
        "networks": len(full),
        "seeds": full.shape[1],
        "std_median": float(np.median(full.std(axis=1, ddof=1))),
        "std_root_mean_square": float(np.sqrt(full.var(axis=1, ddof=1).mean())),
        "tau_seed_to_seed": float(np.mean([kendalltau(full[:, i], full[:, j]).statistic for i, j in pairs])),
        "tau_seed_to_mean_of_others": float(
            np.mean([kendalltau(m, full[:, i]).statistic for i, m in enumerate(means)])
        ),
    }


def card(setup: Setup, plan: DatasetPlan, records: list[Record]) -> str:
    """Return the table's description in Markdown, figures computed from the records."""
    first = [r for r in records if r.seed == 0]
    good = [r for r in first if r.ok]
    objective, _ = objective_of(good)
    values = np.array([r.measured_objective for r in good], float)
    integer = all(r.measured_int8 for r in good)
    within = [not plan.limits.exceeded(*cost_row(r)) for r in first]
    inside = sum(within) / len(within)
    metric = setup.task.kind.metric
    lost = ""
    if integer:
        pairs = [
            (metric.signed(r.measured_float[metric.name]), metric.signed(r.measured_int8[metric.name])) for r in good
        ]
        lost = f"; quantisation loses {np.mean([a - b for a, b in pairs]):.4f}"
    spread = noise(records)
    recipe = plan.target.recipe(setup.task, SEARCH)
    limits = ", ".join(f"{k} {v:g}" for k, v in plan.limits.to_json().items() if v is not None)
    lines = [
        f"# {plan.target.space} on {setup.task.name}",
        "",
        f"{len(records):,} true trainings of {len({r.genes for r in records}):,} distinct networks"
        f" ({len(first) - len(good)} of the first trainings failed and are kept with their reason).",
        "",
        f"- **Drawn** by the space's own sampler, seed {plan.seed}: three quarters within {limits};"
        f" one quarter up to twice that ({inside:.0%} are within by the costs of today).",
        f"- **Trained** with the task's recipe `search`: {recipe}. The table's seed is the training's. The data's split"
        " is fixed; metrics are of the validation part, the test part was not read.",
        "- **Quantised** to int8 as `latent_nas.training.quantise` says; `measured_int8_*` are the integer reference's."
        if integer
        else f"- **Measured** by the evaluator `{plan.evaluator}`; `measured_beside_*` are what it measured.",
        f"- **Costs** are computed for {plan.target.device} with runtime {plan.target.runtime}.",
        f"- **Objective** ({objective}, seed 0): median {np.median(values):.4f}, quartiles"
        f" {np.quantile(values, 0.25):.4f} and {np.quantile(values, 0.75):.4f}, best"
        f" {max(good, key=lambda r: r.score or 0).measured_objective:.4f}{lost}.",
    ]
    if spread:
        lines.append(
            f"- **Seed noise**: {spread['networks']} networks with {spread['seeds']} seeds each: standard deviation"
            f" {spread['std_median']:.4f} (median), {spread['std_root_mean_square']:.4f} (root mean square); Kendall's"
            f" tau-b between two single seeds {spread['tau_seed_to_seed']:.3f}, between one seed and the mean of the"
            f" others {spread['tau_seed_to_mean_of_others']:.3f}, about the best that a surrogate can do on one seed."
        )
    made = ", ".join(f"{k} {v}" for k, v in versions().items())
    lines += [
        f"- **Time**: {sum(r.wall_s for r in records) / 3600:.2f} hours of one core.",
        f"- **Made by** `scripts/build_dataset.py` with {made}.",
        "",
        "Columns: `gene.*` (index of the choice), `measured_*`, computed costs, `curve` (the float network's first"
        " metric on the validation part after each epoch, more being better), `epochs` (of the best one), `recipe`"
        " (what of it is no plain one's), `seed`, `status`, `reason`, `wall_s`.",
    ]
    return "\n".join(lines) + "\n"
