"""One reader of networks for all commands: what each source gives, and what is said of what it has not."""

import json
import shutil
from pathlib import Path

import pytest

from latent_nas import cli
from latent_nas.jobs.networks import candidates, open_source
from latent_nas.spaces import open_space
from latent_nas.zoo import open_network

RUN = Path(__file__).parent / "data" / "run_0_1"  # of release 0.1: 3 trainings of random search, 1 final network
BEST = json.loads((RUN / "best_architecture.json").read_text())
GENES = tuple(BEST["genes"])
GRAPH = open_space("mcu_cnn", (8, 8, 1), 10).graph(GENES)
TARGET = {"space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "cmsis_nn"}


@pytest.fixture
def sources(tmp_path):
    """The same network in every form that a command takes."""
    shutil.copytree(RUN, tmp_path / "run")
    unfinished = tmp_path / "unfinished"
    shutil.copytree(RUN, unfinished, ignore=shutil.ignore_patterns("networks", "result.json", "firmware"))
    trained = tmp_path / "trained"
    shutil.copytree(RUN / "networks" / "1", trained / "int8")
    (trained / "graph.json").write_text(json.dumps(GRAPH.to_json()))
    other = {"genes": [0] * len(GENES)}
    files = {
        "genes.json": {"space": "mcu_cnn", "task": "digits", "genes": list(GENES)},
        "graph.json": GRAPH.to_json(),
        "asked.json": {"target": TARGET, "limits": {"ram_bytes": 4096}, "candidates": [{"genes": list(GENES)}, other]},
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    places = ["run", "unfinished", "trained", "run/networks/1", "run/best_architecture.json", *files]
    return {place: str(tmp_path / place) for place in places}


def command(capsys, *arguments):
    """Return exit code, standard output and standard error of a command."""
    code = 0
    try:
        cli.main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    return code, *capsys.readouterr()


def test_every_form_of_a_network_gives_the_same_graph(sources):
    for place in sources.values():
        assert open_source(place).graph() == GRAPH, place


def test_what_was_trained_gives_the_same_integers(sources):
    wanted, _ = open_source(sources["run/networks/1"]).quantised()
    for place in ("run", "trained"):
        network, made = open_source(sources[place]).quantised()
        assert network.quants == wanted.quants
        assert made["genes"] == list(GENES)


def test_a_name_gives_the_graph_of_the_zoo():
    assert open_source("mlperf_resnet8").graph() == open_network("mlperf_resnet8")


def test_a_query_gives_all_its_candidates_and_their_target(sources):
    first, second = candidates(Path(sources["asked.json"]))
    assert (first.canonical(), first.limits.ram_bytes, first.device) == (GENES, 4096, "stm32f405")
    assert open_source(sources["asked.json"], 2).canonical() == second.canonical() != GENES


def test_cost_takes_the_json_that_train_takes(tmp_path, capsys):
    """Genes and their space alone, in numbers or in the space's own notation; the task says for which input."""
    numbers, notation = tmp_path / "numbers.json", tmp_path / "notation.json"
    numbers.write_text(json.dumps({"space": "mcu_cnn", "genes": list(GENES)}))
    notation.write_text(json.dumps({"space": "dna_cnn", "genes": "3x3 24 /2 <- 0 | 1x3 24 <- 1 | 3x1 24 pool2 <- 1,2"}))
    code, out, _ = command(capsys, "cost", numbers, "--runtime", "cmsis_nn", "--json")
    assert (code, json.loads(out)["flash_bytes"]) == (0, BEST["flash_bytes"])
    small, large = (
        json.loads(command(capsys, "cost", notation, "--task", task, "--json")[1])["macs"]
        for task in ("digits", "cifar10")
    )
    assert small < large


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("deploy", "genes.json", "--out", "fw"), "holds no int8 network, only a graph or genes; `latent-nas train "),
        (("export", "unfinished", "--out", "a.onnx"), "holds no int8 network, only a graph or genes"),
        (("export", "mlperf_resnet8", "--out", "a.onnx"), "mlperf_resnet8 holds no int8 network"),
        (("validate", "graph.json"), "holds no genes; wanted a run, best_architecture.json or a JSON of `query`"),
        (("validate", "genes.json"), "names no device, runtime; validate wants a run"),
        (("validate", "trained"), "holds no genes"),
        (("cost", "run", "--entry", "2"), "run has no final network 2; there are: 1"),
        (("deploy", "run", "--rank", "7", "--out", "fw"), "run has no final network 7; there are: 1"),
        (("cost", "trained", "--entry", "2"), "trained is one network, there is no 2; final networks of a run have"),
        (("deploy", "trained", "--rank", "2", "--out", "fw"), "trained is one network, there is no 2"),
        (("cost", "mlperf_resnet8", "--entry", "2"), "mlperf_resnet8 is one network, there is no 2"),
        (("cost", "asked.json", "--entry", "3"), "there is no candidate 3; there are 2"),
        (
            ("train", "genes.json", "--task", "cifar10", "--space", "dna_cnn"),
            "are of space 'mcu_cnn', wanted 'dna_cnn'",
        ),
        (("report", "genes.json"), "is not a run folder: it has neither config.json nor study.sqlite"),
    ],
)
def test_what_a_source_lacks_is_one_line(sources, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, _, err = command(capsys, arguments[0], sources.get(arguments[1], arguments[1]), *arguments[2:])
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("m.keras", "from_keras_model(tf.keras.models.load_model('{path}')); pathlib.Path('m.tflite').write_bytes"),
        ("m.H5", "from_keras_model(tf.keras.models.load_model('{path}')); pathlib.Path('m.tflite').write_bytes"),
        ("m.pt", 'torch.onnx.export(model.eval(), (example_input,), "m.onnx")'),
        ("m.pth", "or from Python latent_nas.cost(model, input_shape)"),
        ("m.joblib", "m = joblib.load('{path}'); x = [('x', FloatTensorType([None, m.n_features_in_]))]"),
        ("m.pkl", "options={{'zipmap': False}}).SerializeToString())"),
    ],
)
def test_a_model_of_another_format_is_refused_with_the_command_that_converts_it(name, command, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(b"PK")
    for arguments in (["cost", str(path)], ["deploy", str(path), "--out", str(tmp_path / "fw")]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 2
        printed = capsys.readouterr().err
        assert command.format(path=path) in printed
        assert printed.count("\n") == 1


def test_the_suffix_of_a_file_is_read_without_regard_to_case(tmp_path):
    shutil.copy(RUN / "best_architecture.json", tmp_path / "BEST.JSON")
    assert open_source(tmp_path / "BEST.JSON").graph() == GRAPH
    (tmp_path / "MODEL.ONNX").touch()
    assert open_source(tmp_path / "MODEL.ONNX").model == tmp_path / "MODEL.ONNX"
