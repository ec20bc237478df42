"""`latent-nas cost`: networks of every origin, what binds, what is left, and one line for what is wrong."""

import json

import pytest

from latent_nas import cli
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.jobs import cost
from latent_nas.jobs.networks import open_source
from latent_nas.limits import Limits
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.zoo import open_network

GENES = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)


def command(capsys, *arguments):
    """Return (exit code, standard output, standard error) of a command."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["cost", *map(str, arguments)])
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def test_a_named_network_layer_by_layer(capsys):
    code, text, _ = command(capsys, "mlperf_resnet8", "--device", "stm32f446", "--runtime", "cmsis_nn", "--json")
    found = json.loads(text)
    direct = costs(open_network("mlperf_resnet8"), open_device("stm32f446"), open_runtime("cmsis_nn"))
    assert code == 0
    assert [layer["macs"] for layer in found["layers"]] == [layer.macs for layer in direct.layers]
    assert max(layer["live_bytes"] for layer in found["layers"]) == found["ram_bytes"] == 49_728
    by_name = {row["limit"]: row for row in found["limits"]}
    assert by_name["ram_bytes"]["left"] == 128 * 1024 - 49_728
    assert by_name["ram_bytes"]["layer"] == "3:conv2d"
    assert by_name["flash_bytes"]["left"] == 512 * 1024 - direct.flash_bytes
    assert by_name["latency_ms"]["left"] is None
    assert found["binding"] == {"limit": "ram_bytes", "region": "sram", "used": 49_728 / 131_072, "layer": "3:conv2d"}
    assert found["fits"] is True


def test_what_does_not_fit_says_where_and_by_how_much(capsys):
    found = cost.explain(open_network("st_mobilenet_v1_05_224"), "stm32f405", "cmsis_nn", Limits())
    assert found["fits"] is False
    assert found["region"] is None
    assert [region["left"] for region in found["regions"]] == [r - found["ram_bytes"] for r in (131_072, 65_536)]
    _, text, _ = command(capsys, "mlperf_ds_cnn", "--limit", "latency_ms=10")
    assert "TOO MUCH" in text
    assert "DOES NOT FIT. What limits most: time" in text
    assert "1:conv2d" in text


def test_genes_and_candidates_and_graphs_are_read(tmp_path):
    graph = open_space("mcu_cnn", (8, 8, 1), 10).graph(GENES)
    target = {"space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "cmsis_nn"}
    files = {
        "best.json": {"space": "mcu_cnn", "task": "digits", "genes": list(GENES)},
        "asked.json": {"target": target, "candidates": [{"genes": [0] * len(GENES)}, {"genes": list(GENES)}]},
        "graph.json": graph.to_json(),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
        assert open_source(tmp_path / name, 2 if name == "asked.json" else 1).graph() == graph


def test_a_runtime_of_ones_own(tmp_path, capsys):
    text = (shipped_runtimes() / "cmsis_nn.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace("alignment = 16", "alignment = 64"))
    code, out, _ = command(capsys, "mlperf_ds_cnn", "--runtime", tmp_path / "mine.toml", "--json")
    assert code == 0
    assert json.loads(out)["runtime"] == "mine"
    assert json.loads(out)["layers"][0]["live_bytes"] == 512


def shipped_runtimes():
    """Return the folder of the runtimes that ship."""
    from latent_nas.plugins import PACKAGE

    return PACKAGE / "runtimes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet"], "no network 'resnet'; there are:"),
        (["there_is_none.onnx"], "there is no file there_is_none.onnx"),
        (["mlperf_ds_cnn", "--device", "z80"], "no device 'z80'; there are:"),
        (
            ["mlperf_ds_cnn", "--runtime", "none.toml"],
            "there is no file none.toml; runtimes known by name: ",
        ),
        (["mlperf_ds_cnn", "--limit", "ram=3"], "no limit 'ram'"),
    ],
)
def test_wrong_input_is_one_line(arguments, message, capsys):
    code, out, err = command(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "holds no genes"),
        ("3", "holds no genes"),
        ("{}", "it has no 'genes'"),
        ('[{"operator": {}}]', "it has no 'kind'"),
        ('{"candidates": [], "target": {}}', "there is no candidate 1; there are 0"),
        ('{"space": "mcu_cnn", "task": "digits", "genes": [1]}', "has 35 integer genes, got 1"),
    ],
)
def test_a_wrong_json_is_one_line(text, message, tmp_path, capsys):
    (tmp_path / "x.json").write_text(text)
    code, _, err = command(capsys, tmp_path / "x.json")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_wrong_runtime_file_is_one_line(tmp_path, capsys):
    for text, message in (("a = ", "is not TOML"), ("a = 1", "is not the file of a runtime")):
        (tmp_path / "r.toml").write_text(text)
        code, _, err = command(capsys, "mlperf_ds_cnn", "--runtime", tmp_path / "r.toml")
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
