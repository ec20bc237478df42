"""The form of a new search: its fields are options of `latent-nas search`, which checks them."""

import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from latent_nas import plugins
from latent_nas.report._html import Html, join, tag
from latent_nas.target import MAIN_TARGET
from latent_nas.ui.listing import BUILT

CODE = ".py"
NAME = re.compile(r"[\w][\w .+-]{0,99}")  # of a run folder


@dataclass(frozen=True)
class Field:
    """A field: ``option`` of the command, or a part of ``--limit``; ``kind`` of plugins to choose from, or choices."""

    name: str
    label: str
    option: str
    note: str = ""
    default: str = ""
    kind: str = ""
    choices: tuple[str, ...] = ()
    number: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """What there is to choose from; () for free text."""
        return tuple(plugins.names(self.kind)) if self.kind and self.kind != "tasks" else self.choices

    def words(self, value: str) -> list[str]:
        """Return the field's part of the command line."""
        return [f"{self.option}{'=' if self.option.startswith('--limit') else ''}{value}"]


FIELDS = (
    Field(
        "task",
        "Data",
        "--task=",
        "A folder of images or recordings by class, a table (.csv), arrays (.npz), or a shipped task, such as digits",
        kind="tasks",
    ),
    Field("device", "Board", "--device=", default=MAIN_TARGET.device, kind="devices"),
    Field("flash_kb", "Flash at most (KB)", "--limit=flash_kb", number=True),
    Field("ram_kb", "RAM at most (KB)", "--limit=ram_kb", number=True),
    Field("latency_ms", "Time at most (ms)", "--limit=latency_ms", number=True),
    Field("trainings", "Trainings", "--trainings=", "Networks to train before the final ones", "24", number=True),
    Field("name", "Name of the run", "", "Default: the time and the strategy"),
)
MORE = (
    Field("kind", "What the data is for", "--kind=", choices=("", "classify", "regress", "anomaly")),
    Field("input", "Size of images", "--input=", "HEIGHTxWIDTHxCHANNELS, such as 48x48x1"),
    Field("label", "Column with the answers", "--label="),
    Field("group", "Column whose samples stay together", "--group="),
    Field("window", "Steps of a window", "--window=", number=True),
    Field("strategy", "Strategy", "--strategy=", default="latent_rl", kind="strategies"),
    Field("child_epochs", "Epochs of a training", "--child-epochs=", number=True),
    Field("final_seeds", "Seeds of a final training", "--final-seeds=", default="3", number=True),
    Field("top", "Final networks", "--top=", default="3", number=True),
    Field("seed", "Seed", "--seed=", default="0", number=True),
    Field("workers", "Training processes", "--workers=", "0: one per core", "0", number=True),
)


def arguments(given: Mapping[str, str], folder: Path) -> tuple[list[str], Path]:
    """Return the command of a filled form and the run folder that it makes.

    Raises:
        ValueError: what only the form has is wrong; the command says the rest.
    """
    known = {field.name: field for field in (*FIELDS, *MORE)}
    if strange := set(given) - set(known):
        raise ValueError(f"the form has no {', '.join(sorted(strange))}")
    values = {name: str(value).strip() for name, value in given.items()}
    if not values.get("task"):
        raise ValueError("name the data: a folder, a file, or a task that ships, such as digits")
    if code := [value for value in values.values() if CODE in value.lower()]:
        raise ValueError(f"{code[0]!r} may be code, which this page does not run; use the command line for it")
    name = values.get("name") or f"{time.strftime('%Y%m%d-%H%M%S')}-{values.get('strategy') or 'latent_rl'}"
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be a folder's name; use letters, digits, spaces, dots, plus and minus signs")
    if name == BUILT or (folder / name).exists():
        raise ValueError(f"{folder} has {name!r} already; choose another name of the run")
    words = [word for key, value in values.items() if value and key != "name" for word in known[key].words(value)]
    return ["search", *words, f"--out={folder / name}"], folder / name


def show(folder: Path) -> Html:
    """Return the form."""
    words = (
        "What is left empty is decided by the command, which says it in its log. Paths count from"
        f" {Path.cwd()}; the run goes into {folder}."
    )
    more = tag("details", tag("summary", "More"), tag("div", *map(_field, MORE), class_="fields"))
    tasks = tag("datalist", *(tag("option", value=name) for name in plugins.names("tasks")), id="tasks")
    return join(
        tag("h1", "New search"),
        tag("p", words, class_="made"),
        tag(
            "form",
            tag("div", *map(_field, FIELDS), class_="fields"),
            more,
            tasks,
            tag("p", "", class_="error", role="alert"),
            tag("button", "Search", type="submit"),
            data_post="new",
        ),
    )


def _field(field: Field) -> Html:
    about = {"name": field.name, "id": f"field-{field.name}"}
    if field.note:
        about["aria_describedby"] = f"note-{field.name}"
    control = tag("input", value=field.default, inputmode="decimal" if field.number else None, **about)
    if field.kind == "tasks":
        control = tag("input", list="tasks", required=True, autocomplete="off", spellcheck="false", **about)
    elif field.values:
        options = (tag("option", v or "by the data", value=v, selected=v == field.default) for v in field.values)
        control = tag("select", *options, **about)
    note = tag("small", field.note, id=f"note-{field.name}") if field.note else None
    return tag(
        "div", tag("label", field.label, for_=f"field-{field.name}"), control, note, class_=f"field {field.name}"
    )


def shown(words: list[str]) -> str:
    """Return a command as it can be typed."""
    return shlex.join(["latent-nas", *words])
