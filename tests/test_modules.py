"""Costs and firmware from Python, of a PyTorch module and of files. Skipped without the extra ``onnx``."""

import numpy as np
import pytest

pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import latent_nas  # noqa: E402


class Small(nn.Module):
    """Convolution, batch norm, residual, mean and a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Linear(8, 5)

    def forward(self, x):
        x = self.first(x)
        return self.last((x + self.second(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(0)
    made = Small()
    made.first[1].running_mean.uniform_(-0.5, 0.5)
    return made


def test_a_module_is_costed_and_stays_as_it_is(module):
    module.train()
    module.second.eval()
    found = latent_nas.cost(module, (3, 12, 16), device="stm32f446", limits={"flash_kb": 1})
    assert found["as_int8"] is True  # a module is float
    assert found["macs"] == 6 * 8 * 8 * (27 + 72) + 40
    assert found["parameters"] == 27 * 8 + 8 + 72 * 8 + 8 + 45
    assert (found["device"], found["fits"]) == ("stm32f446", False)
    assert (module.training, module.first.training, module.second.training) == (True, True, False)


def test_a_module_becomes_firmware(module, tmp_path):
    pytest.importorskip("ziglang")
    x = np.random.default_rng(0).normal(size=(16, 3, 12, 16)).astype(np.float32)
    report = latent_nas.deploy(module, tmp_path / "fw", (3, 12, 16), calibration=x)
    assert report["flash_bytes"] > 1000
    assert (tmp_path / "fw" / "report.json").exists()


class Chooses(nn.Module):
    """Looks at values, which an exporter that follows one sample writes as one way."""

    def __init__(self, way):
        super().__init__()
        self.last, self.way = nn.Linear(4, 2), way

    def forward(self, x):
        if self.way == "if":
            return self.last(x) if x.sum() > 0 else -self.last(x)
        if self.way in ("tuple", "dict", "twice"):
            y = self.last(x) if x.sum() > 0 else -self.last(x)
            return {"tuple": (y, y.softmax(1)), "dict": {"logits": y}, "twice": (y, y)}[self.way]
        if self.way == "chance":
            return self.last(nn.functional.dropout(x, 0.5))  # also in evaluation
        return self.last(x) if x.shape[1] == 4 else x


@pytest.mark.parametrize("way", ["if", "tuple", "dict", "twice", "chance"])
def test_a_module_that_its_file_does_not_answer_like_is_refused(way):
    module = Chooses(way)
    with pytest.raises(ValueError, match=r"Chooses answers otherwise than the ONNX file .* drawn sample \d of 8"):
        latent_nas.cost(module, (4,))
    assert module.training


def test_choices_by_shape_are_none_of_values():
    assert latent_nas.cost(Chooses("shape"), (4,))["macs"] == 8


class Several(nn.Module):
    """Returns what a number of its layers make, as a tuple or in a dict."""

    def __init__(self, returned=lambda a, b: (a, b)):
        super().__init__()
        self.a, self.b, self.returned = nn.Linear(4, 3), nn.Linear(4, 2), returned

    def forward(self, x):
        return self.returned(self.a(x), self.b(x))


@pytest.mark.parametrize(
    "returned",
    [lambda a, b: (a, a.softmax(1)), lambda a, b: {"logits": a}, lambda a, b: (a, None), lambda a, b: [a, a]],
)
def test_outputs_made_of_one_tensor_are_one(returned):
    assert latent_nas.cost(Several(returned), (4,))["macs"] == 12


class Odd(nn.Module):
    """What no reader knows."""

    def forward(self, x):
        return torch.cumsum(x, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m, to: latent_nas.cost(m),
            r"^Small wants input_shape, of one sample without the batch: \(3, 96, 96\)$",
        ),
        (
            lambda m, to: latent_nas.cost(m, (4, 12, 16)),
            r"^Small can't be exported with an input \(4, 12, 16\), without",
        ),
        (lambda m, to: latent_nas.cost(Odd(), (3, 4, 4)), r"^Odd: .*CumSum"),
        (
            lambda m, to: latent_nas.cost(Several(), (4,)),
            "^Several: it has 2 outputs: output_0, output_1; .*, hand over a module that returns one of them$",
        ),
        (
            lambda m, to: latent_nas.cost(Small, (3, 12, 16)),
            r"^Small is a class; wanted a network of it, Small\(\.\.\.\)$",
        ),
        (lambda m, to: latent_nas.cost(m, 16), "^input_shape is 16; wanted that of one sample without the batch"),
        (lambda m, to: latent_nas.cost(m, "3x12x16"), "^input_shape is '3x12x16'; wanted"),
        (lambda m, to: latent_nas.cost(m, (3, 12.0, 16)), r"^input_shape is \(3, 12.0, 16\); wanted"),
        (lambda m, to: latent_nas.cost(m, (-1, 3, 12, 16)), "^input_shape is .*; wanted"),
        (lambda m, to: latent_nas.cost(m, torch.zeros(1, 3, 12, 16)), "^input_shape is a Tensor; wanted"),
        (lambda m, to: latent_nas.cost(m, (3, 12, 16), limits="flash_kb=3"), "^limits are 'flash_kb=3'; wanted a dict"),
        (
            lambda m, to: latent_nas.deploy(m, to, (3, 12, 16), calibration=[1.0, 2.0]),
            r"^calibration has data \(2,\); wanted \(n, 3, 12, 16\)",
        ),
        (lambda m, to: latent_nas.deploy(m, to, (3, 12, 16), calibration=[["a"]]), "^calibration is an array of <U1;"),
        (lambda m, to: latent_nas.deploy(m, to, (3, 12, 16), inputs="3"), "^inputs is a whole number"),
        (lambda m, to: latent_nas.cost({"a": 1}, (3,)), "^a dict is not a network that is known here"),
        (lambda m, to: latent_nas.cost("mlperf_resnet8", (3, 32, 32)), "has an input shape of its own"),
        (lambda m, to: latent_nas.deploy(m, to, (3, 12, 16)), "^Small is a float model: quantising it wants data"),
    ],
)
def test_what_is_no_network_is_one_line(call, message, module, tmp_path):
    with pytest.raises(ValueError, match=message) as refused:
        call(module, tmp_path / "fw")
    assert "\n" not in str(refused.value)


def test_a_name_costs_what_the_command_says():
    assert latent_nas.cost("mlperf_resnet8")["macs"] == 12_501_632
