"""All trained networks, sortable, with their files."""

from latent_nas.records import Record
from latent_nas.report import Section
from latent_nas.report._bits import mixed
from latent_nas.report._html import Html, join, tag
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale
from latent_nas.units import COSTS, count

HEAD = (
    ("flash KB", 1),
    ("RAM KB", 1),
    ("time ms", 1),
    ("MACs", 1),
    ("parameters", 1),
    ("epochs", 1),
    ("trained in s", 1),
    ("files", 0),
    ("genes", 0),
)


class Networks(Section):
    """A table with a row per training of the search, and the files of the final networks; a click shows one."""

    title, place = "Trained networks", 60

    def show(self, run: Run) -> Html:
        """Return the table."""
        if not run.records:
            raise ValueError("no training is known")
        scales = _scales(run)
        own = ((f"{scale.title}, measured", 1) for scale in scales)
        columns = (("no.", 1), ("round", 1), *own, (f"{run.scale.title}, predicted", 1), *HEAD)
        head = tag("tr", *(tag("th", name, class_="n" if number else None, scope="col") for name, number in columns))
        rows = [_row(run, i, r, run.ranks.get(r.genes), scales) for i, r in enumerate(run.records, 1)]
        box = tag("table", tag("thead", head), tag("tbody", *rows), class_="sortable", id="networks")
        words = (
            f"All {len(run.records)} trainings of the search; a click on a heading sorts, one on a number shows that"
            " network alone. Final networks have a folder with their graph and integers; of the others the record, in"
            " study.sqlite and history.csv, is all that is kept."
        )
        bits = tag("p", note) if (note := mixed(run)) else None
        return join(tag("p", words), bits, tag("div", box, class_="scroll tall", tabindex=0), _files(run))


def _scales(run: Run) -> list[Scale]:
    """Return what the records measured, the objective first."""
    names = {name for record in run.records for name in record.measured if not name.endswith("_std")}
    return [run.scale, *(Scale(name) for name in sorted(names - {run.scale.objective}, reverse=True))]


def _digits(scale: Scale) -> int:
    return 2 if scale.share else 4


def _row(run: Run, number: int, record: Record, rank: int | None, scales: list[Scale]) -> Html:
    foreseen = run.predictions.get(record.genes)
    measured = [_cell(record.measured.get(scale.objective), scale.factor, _digits(scale)) for scale in scales]
    if not record.ok:
        measured[0] = tag("td", f"failed: {record.reason}", data_value="")
    cells = [
        tag(
            "td",
            tag("a", number, href=f"#training-{number}", data_opens=number),
            class_="n",
            data_value=number,
        ),
        _cell(record.round + 1),
        *measured,
        _cell(foreseen.predicted_objective if foreseen else None, run.scale.factor, _digits(run.scale)),
        *(_cell(getattr(record, name), 1 / cost.size, 2) for name, cost in COSTS.items()),
        _cell(record.macs),
        _cell(record.parameters),
        _cell(record.epochs),
        _cell(record.wall_s, 1, 1),
        tag(
            "td",
            tag("a", f"networks/{rank}", href=f"networks/{rank}/") if rank and _kept(run, rank) else "",
            data_value=rank or "",
        ),
        tag("td", " ".join(map(str, record.genes)), class_="genes"),
    ]
    return tag("tr", *cells, class_="best" if rank == 1 else None, id=f"training-{number}")


def _kept(run: Run, rank: int) -> bool:
    return (run.path / "networks" / str(rank)).is_dir()


def _cell(value: float | None, scale: float = 1, digits: int = 0) -> Html:
    if value is None:
        return tag("td", "", class_="n", data_value="")
    text = f"{value * scale:,.{digits}f}" if digits else count(value)
    return tag("td", text, class_="n", data_value=value * scale)


def _files(run: Run) -> Html:
    names = sorted(p.name for p in run.path.iterdir() if p.is_file() and not p.name.startswith("."))
    links = [part for name in names for part in (tag("a", name, href=name), " ")]
    return tag("p", "Files of the run: ", *links)


Plugin = Networks
