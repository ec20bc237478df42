"""One trained network: what was measured and computed, its drawing, and what it takes on other boards."""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from latent_nas import plugins
from latent_nas.costs import costs
from latent_nas.graph import Graph
from latent_nas.graph.bits import with_weight_bits
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.compare import compare
from latent_nas.limits import Limits
from latent_nas.records import Record, words
from latent_nas.report._html import Html, join, tag
from latent_nas.report.network import drawn
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.ui.run_page import build
from latent_nas.ui.work import Work
from latent_nas.units import COSTS, cost, count, energy, seconds, size, span

HEAD = ("board", "MHz", "flash", "RAM", "time", "energy", "")


def show(base: str, run: Run, name: str, number: int, works: Sequence[Work]) -> Html:
    """Return the page of a training's network.

    Raises:
        ValueError: the run has no training of that number.
    """
    if not 1 <= number <= len(run.records):
        raise ValueError(f"{name} has no training {number}; it has {len(run.records)}")
    record = run.records[number - 1]
    rank = run.ranks.get(record.genes)
    place = f"{base}/run/{quote(name, safe='')}"
    others = [
        tag("a", text, href=f"{place}/network/{n}")
        for text, n in (("Previous", number - 1), ("Next", number + 1))
        if 1 <= n <= len(run.records)
    ]
    links = [tag("a", f"All of {name}", href=f"{place}/"), *others]
    head = tag(
        "header",
        tag("h1", f"Training {number}"),
        tag("p", run.title, f" · final network {rank}" if rank else "", class_="made"),
        tag("p", *(part for link in links for part in (link, " ")), class_="tools"),
    )
    parts: list[object] = [head, tag("section", tag("h2", "Measured and computed"), _facts(run, record))]
    try:
        graph = graph_of(run, record)
        cost = costs(graph, run.device, open_runtime(run.target["runtime"]))
        picture = drawn(run, graph, cost, "this network")
        parts.append(tag("section", tag("h2", "Network"), picture))
        parts.append(_boards(run, graph))
    except ValueError as error:
        parts.append(tag("section", tag("h2", "Network"), tag("p", f"It can't be drawn: {error}.", class_="absent")))
    if rank:
        parts.append(build(base, run, name, rank, works))
    return join(*parts)


def graph_of(run: Run, record: Record) -> Graph:
    """Return the deployed graph of a record's network, with the bits that its costs are of; of a final one, as kept.

    Its space is bound as that of the run's best network was.

    Raises:
        ValueError: no network of the run was kept, or its space is not known here.
    """
    rank = run.ranks.get(record.genes)
    kept = run.kept(rank) if rank else None
    shapes = run.graph.input_shape, run.graph.output_shape[-1]
    return _graph(record.space, *shapes, record.genes, run.weight_bits) if kept is None else kept


@lru_cache(256)
def _graph(space: str, input_shape: tuple[int, ...], outputs: int, genes: tuple[int, ...], weight_bits: int) -> Graph:
    graph = open_space(space, input_shape, outputs).graph(genes)
    return deploy(graph if weight_bits == 8 else with_weight_bits(graph, weight_bits)).graph


def _facts(run: Run, record: Record) -> Html:
    """Return what is known of a record, a line each."""
    names = [name for name in record.measured if not name.endswith("_std")]
    foreseen = run.predictions.get(record.genes)
    pairs: list[tuple[str, str]] = []
    if not record.ok:
        pairs.append((record.status, record.reason))
    for name in names:
        within = run.scale.interval_of(record) if name == run.scale.objective else ""
        pairs.append((f"{words(name)}, measured", f"{Scale(name).number(record.measured[name])}{within}"))
    if foreseen:
        pairs.append((f"{run.scale.name}, predicted", run.scale.number(foreseen.predicted_objective)))
    pairs += [(f"{word}, computed", cost(name, getattr(record, name))) for name, (word, *_) in COSTS.items()]
    pairs += [("MACs", count(record.macs)), ("parameters", count(record.parameters))]
    pairs += [("trained", f"{record.epochs} epochs in {seconds(record.wall_s)}, round {record.round + 1}")]
    if (bits := run.weight_bits) < 8:
        pairs.append(("weights", f"8 bits measured, {bits} bits in costs and drawing"))
    pairs += [("genes", " ".join(map(str, record.genes)))]
    return tag("dl", *(part for key, value in pairs for part in (tag("dt", key), tag("dd", value))))


def _boards(run: Run, graph: Graph) -> Html:
    """Return what the network takes on every board, with the run's runtime."""
    runtime = run.target["runtime"]
    rows = compare(graph, plugins.names("devices"), [runtime], Limits())
    own = run.target["device"]
    cells = [tag("tr", *_cells(row), class_="best" if row["device"] == own else None) for row in rows]
    head = tag("tr", *(tag("th", text, scope="col", class_="n" if 0 < i < 6 else None) for i, text in enumerate(HEAD)))
    words_ = f"Computed with {runtime}, against what each board has; the limits of the run are left aside."
    box = tag("table", tag("thead", head), tag("tbody", *cells), class_="sortable")
    return tag("section", tag("h2", "Boards"), tag("p", words_), tag("div", box, class_="scroll", tabindex=0))


def _cells(row: dict[str, object]) -> list[Html]:
    if "refused" in row:
        return [tag("td", row["device"]), tag("td", row["refused"], colspan=6, class_="problem")]
    joule = row["energy_uj"]
    numbers: list[tuple[object, str]] = [
        (row["clock_mhz"], f"{row['clock_mhz']:g}"),
        (row["flash_bytes"], size(_number(row["flash_bytes"]))),
        (row["ram_high_bytes"], span(_number(row["ram_low_bytes"]), _number(row["ram_high_bytes"]))),
        (row["latency_ms"], f"{row['latency_ms']:,.2f} ± {row['latency_error_ms']:,.2f} ms"),
        ("" if joule is None else joule, "-" if joule is None else energy(_number(joule))),
    ]
    fits = "fits" if row["fits"] else "may not fit" if row["may_not_fit"] else "does not fit"
    return [
        tag("td", row["device"]),
        *(tag("td", text, class_="n", data_value=value) for value, text in numbers),
        tag("td", fits, class_=None if row["fits"] else "bad"),
    ]


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    return float(value)
