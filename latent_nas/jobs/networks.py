"""A network that a user names, for every command: of the zoo, genes, a run, an int8 network, an .onnx or .tflite file.

A command takes of it what it needs: the graph, the int8 network, or the genes. What is missing is said in a line, with
the command that makes it.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_nas import artifacts, plugins, sealed
from latent_nas.graph import Graph
from latent_nas.interchange import FLOAT, READ, importer, read_format
from latent_nas.jobs import converters
from latent_nas.jobs.moved import check_of
from latent_nas.limits import Limits
from latent_nas.preprocessing import Preprocessing
from latent_nas.runs import files, own
from latent_nas.spaces import Genes, Space, open_space
from latent_nas.tasks import Task, open_task
from latent_nas.training.quantise import KIND
from latent_nas.zoo import open_network

if TYPE_CHECKING:
    from latent_nas.front_end import FrontEnd
    from latent_nas.spectral import SpectralFrontEnd
    from latent_nas.training.quantise import QuantisedNetwork

JSON = "genes (best_architecture.json), candidates of `latent-nas query`, or a graph (graph.json)"


@dataclass(frozen=True)
class Source:
    """What is known of a network that a user named; None, "" or no limits where it is not.

    Attributes:
        given: as it was named. genes: of ``space``, as numbers or in its own notation; of the input of ``task``.
        stored: its graph, where genes are not all there is; beside genes as it is deployed.
        folder: of the int8 network.
        model: a file of another tool, of ``format`` (see ``interchange``); output: which of its outputs, "": the one.
        device, runtime, limits: what it was chosen for. front_end_apart: whether the limits that were asked for count
            networks alone.
    """

    given: str
    space: str = ""
    task: str = ""
    genes: Genes | str | None = None
    stored: Graph | None = None
    folder: Path | None = None
    model: Path | None = None
    format: str = ""
    output: str = ""
    device: str = ""
    runtime: str = ""
    limits: Limits = field(default_factory=Limits)
    front_end_apart: bool = False

    def bound(self, task: str = "", space: str = "") -> "Source":
        """Return the source with genes for the input of another task, and their space where the source says none.

        Raises:
            ValueError: its genes are of another space.
        """
        if space and self.space not in ("", space):
            raise ValueError(f"{self.given}: its genes are of space {self.space!r}, wanted {space!r}")
        return replace(self, task=task or self.task, space=self.space or space)

    def canonical(self) -> Genes:
        """Return its canonical genes.

        Raises:
            ValueError: it has none, they are of another space, or no space or task is known.
        """
        if self.genes is None:
            raise ValueError(f"{self.given} holds no genes; wanted a run, best_architecture.json or a JSON of `query`")
        try:
            space = self._space()
            if isinstance(self.genes, str):
                return space.parse(self.genes)
            return tuple(space.canonical(space.check(self.genes))[0].tolist())
        except ValueError as error:
            raise ValueError(f"{self.given}: {error}") from None

    def graph(self) -> Graph:
        """Return its graph as it is trained: that of its genes where they are known, else the one that was stored.

        Raises:
            ValueError: the genes are wrong, or the file is damaged.
        """
        if self.genes is not None:
            genes = self.canonical()
            return self._space().graph(genes)
        if self.model is not None:
            return importer(self.format).read(self.model, self.output)
        if self.stored is not None:
            return self.stored
        return self._kept()

    def deployed(self) -> Graph:
        """Return the graph that its costs are of: as it was kept, with its channels and bits, else ``graph``.

        Genes that are bound to a task of another input or other outputs are of another network than the kept one.

        Raises:
            ValueError: as ``graph``.
        """
        graph = self.graph()
        if self.folder is None and self.stored is None:
            return graph
        kept = self._kept() if self.folder is not None else self.stored
        assert kept is not None
        same = (kept.input_shape, kept.output_shape) == (graph.input_shape, graph.output_shape)
        return kept if same else graph

    def _kept(self) -> Graph:
        assert self.folder is not None
        return Graph.from_json(json.loads(artifacts.load(self.folder, KIND).files["graph.json"]))

    def front_end(self) -> "FrontEnd | SpectralFrontEnd | None":
        """Return what makes its input on the device: of its task, else of the kept network or file; None without one.

        Raises:
            ValueError: the task can't be opened, or the network's files are damaged.
        """
        if self.genes is not None and self.task:
            check_of(self.given, self.task)
            return open_task(self.task).front_end
        if self.model is not None:
            return _front_end_of(self.model, self.told())
        if self.folder is None:
            return None
        from latent_nas.training.metadata import Metadata

        about = Metadata.read(self.folder)
        return about.preprocessing.front_end if about and about.preprocessing else None

    def told(self) -> str:
        """Return the metadata, as JSON, of a file that this project has exported; "" of any other source."""
        return importer(self.format).about(self.model, self.output) if self.model is not None else ""

    def notes(self) -> list[str]:
        """Return what was decided for the user when it was read, a line each."""
        return list(importer(self.format).said(self.model, self.output).notes) if self.model is not None else []

    def floats(self) -> bool:
        """Return whether it is a float file, of which the costs are those of its int8 network."""
        return FLOAT in self.notes()

    def softmax(self) -> bool:
        """Return whether a softmax closes the file that it is from, which its graph does not hold."""
        if self.model is None:
            return False
        return "softmax" in importer(self.format).said(self.model, self.output).left_out.lower()

    def graph_for(self, task: Task) -> Graph:
        """Return its graph, which takes the task's input and gives its outputs.

        Raises:
            ValueError: as ``graph``, or it is of another input or number of outputs.
        """
        graph = self.graph()
        has, wanted = (graph.input_shape, graph.output_shape), (tuple(task.input_shape), (task.outputs,))
        if has != wanted:
            raise ValueError(
                f"{self.given} takes {has[0]} and gives {has[1]}; task {task.name!r} wants {wanted[0]} and {wanted[1]}"
            )
        return graph

    def quantised(self, calibration: Path | None = None) -> "tuple[QuantisedNetwork, dict[str, Any]]":
        """Return its int8 network, and what its training says of it; of another tool's file "left_out" and "notes".

        Args:
            calibration: data (.npz) that a float file of another tool is quantised with.

        Raises:
            ValueError: it was never trained, or its files are damaged.
        """
        if self.model is not None:
            network = importer(self.format).open_int8(self.model, calibration, self.output)
            said = importer(self.format).said(self.model, self.output)
            return network, {"left_out": said.left_out, "notes": list(said.notes)}
        if calibration is not None:
            raise ValueError(f"--calibration is for float .onnx and .tflite files; {self.given} is none")
        if self.folder is None:
            raise ValueError(
                f"{self.given} holds no int8 network, only a graph or genes; `latent-nas train {self.given}` makes"
                " one, and so do `latent-nas search` and `validate` at their end"
            )
        from latent_nas.training.quantise import QuantisedNetwork

        made = artifacts.load(self.folder, KIND).made
        if "task" in made and self.task:
            made["task"] = self.task
        plugins.vouched(str(made.get("task", "")), self.given)
        return QuantisedNetwork.load(self.folder), made

    def _space(self) -> Space:
        for name, value in (("space", self.space), ("task", self.task)):
            if not value:
                raise ValueError(f'it names no "{name}" for its genes; say which with --{name}')
        check_of(self.given, self.task)
        task = open_task(self.task)
        return open_space(self.space, task.input_shape, task.outputs)


def _front_end_of(file: Path, about: str) -> "FrontEnd | SpectralFrontEnd | None":
    """Return the front end that the metadata of a file of this project tells of; None where there is none."""
    try:
        seen = json.loads(about)["preprocessing"] if about else None
        return Preprocessing.from_json(seen).front_end if seen else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file}: its metadata latent_nas is damaged ({error}); export the network again") from None


def open_source(given: str | Path, entry: int = 1) -> Source:
    """Return the network that a user named.

    Args:
        given: a name of the zoo; a JSON file of genes, candidates or a graph; an .onnx or .tflite file, FILE#NAME for
            one of its outputs; a run folder of `search`, `validate` or `train`; or the folder of an int8 network.
        entry: which candidate of a JSON of `latent-nas query`, or final network of a run, from 1.

    Raises:
        ValueError: it is none of these, has no such entry, can't be read, or comes with code that nobody vouches for.
    """
    path, output = Path(given), ""
    if any(f"{suffix}#" in path.name.lower() for suffix in READ) and not path.exists():
        name, _, output = str(given).rpartition("#")
        path = Path(name)
    if path.exists():
        own.bring(path)
    format = None if path.is_dir() else read_format(path)
    if not format and (convert := converters.command(path)):
        raise ValueError(convert)
    if (path.suffix.lower() == ".json" or format) and not path.is_file():
        raise ValueError(f"there is no file {given}")
    if not format and path.suffix.lower() == ".json":
        return _pick(candidates(path), entry)
    if path.is_dir():
        return _folder(path, entry)
    found = Source(str(given), model=path, format=format, output=output) if format else None
    return _only(found or Source(str(given), stored=open_network(str(given))), entry)


def candidates(file: Path) -> list[Source]:
    """Return the networks of a JSON file: every candidate of a query, or the one of any other file.

    Raises:
        ValueError: there is no such file, or it holds something else.
    """
    try:
        return _networks(str(file), json.loads(file.read_text(encoding="utf-8")))
    except plugins.Untrusted:
        raise
    except OSError as error:
        what = f"there is no file {file} ({error.strerror})"
        raise ValueError(f"{what}; `latent-nas query --out {file}` makes one") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{file} holds no {JSON}: {reason}") from None


def _networks(given: str, data: Any) -> list[Source]:
    if isinstance(data, list):
        return [Source(given, stored=Graph.from_json(data))]
    data = sealed.unseal(data, given)
    if "candidates" not in data:
        return [_genes(Source(given), data)]
    limits = Limits.from_json(data.get("limits", {}))
    source = Source(given, limits=limits, front_end_apart=bool((data.get("front_end") or {}).get("apart")))
    return [_genes(source, {**data["target"], **one}) for one in data["candidates"]]


def _genes(source: Source, data: dict[str, Any]) -> Source:
    """Return the source with the genes of a JSON object and what it says of them."""
    genes = data["genes"]
    parts = [str(data.get(name) or "") for name in ("space", "task", "device", "runtime")]
    space, task, device, runtime = (plugins.vouched(name, source.given) for name in parts)
    genes = genes if isinstance(genes, str) else tuple(genes)
    stored = Graph.from_json(data["graph"]) if "graph" in data else None  # of best_architecture.json
    return replace(source, space=space, task=task, genes=genes, stored=stored, device=device, runtime=runtime)


def _pick(sources: list[Source], entry: int) -> Source:
    if not 1 <= entry <= len(sources):
        raise ValueError(f"there is no candidate {entry}; there are {len(sources)}")
    return sources[entry - 1]


def _only(source: Source, entry: int) -> Source:
    """Return the one network that there is, or raise ValueError where another is asked for."""
    if entry != 1:
        raise ValueError(f"{source.given} is one network, there is no {entry}; final networks of a run have numbers")
    return source


def _folder(folder: Path, entry: int) -> Source:
    """Return the network of a folder: an int8 network, or a run of `search`, `validate` or `train`."""
    given, network = str(folder), files.network(folder, entry)
    if (folder / artifacts.MANIFEST).exists():
        return _only(_trained(given, folder), entry)
    if (network / artifacts.MANIFEST).exists():
        return _trained(given, network)
    if (folder / files.GRAPH).exists():  # of `latent-nas train`
        stored = _pick(candidates(folder / files.GRAPH), 1).stored
        trained = folder / files.INT8
        kept = trained if (trained / artifacts.MANIFEST).exists() else None
        return _only(Source(given, stored=stored, folder=kept), entry)
    best = folder / files.BEST
    if entry == 1 and best.exists():  # of a run that has no final networks
        return replace(_pick(candidates(best), 1), given=given)
    ranks = sorted(int(one.name) for one in network.parent.glob("*") if one.name.isdecimal())
    if ranks:
        raise ValueError(f"{folder} has no final network {entry}; there are: {', '.join(map(str, ranks))}")
    raise ValueError(
        f"{folder} holds no int8 network and no genes: wanted {artifacts.MANIFEST} there, networks/{entry}/ of a"
        " finished run, or best_architecture.json; `latent-nas search` and `validate` end with such networks"
    )


def _trained(given: str, folder: Path) -> Source:
    source, made = Source(given, folder=folder), artifacts.load(folder, KIND).made
    if (task := own.task_of(folder)) and "task" in made:  # the run's data may have moved since
        made["task"] = task
    return _genes(source, made) if "genes" in made else source
