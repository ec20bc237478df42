"""Limits hold for the front end of audio and the network together, unless they are asked to count the network alone."""

import json
import wave
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from latent_nas import cli
from latent_nas.costs.front_end import front_end_cost
from latent_nas.jobs.chosen_for import chosen_for, lines
from latent_nas.jobs.fitting import excess, of_networks
from latent_nas.jobs.networks import Source
from latent_nas.jobs.search.about import about_data
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.train_config import TrainConfig
from latent_nas.jobs.validate import validate
from latent_nas.limits import Limits
from latent_nas.report.again import command, with_begun
from latent_nas.target import Target
from latent_nas.tasks import Recipe

LIMITS = Limits(flash_bytes=64 * 1024, ram_bytes=32 * 1024, latency_ms=60.0)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """Return a folder of two classes of tones, a second each at 8 kHz."""
    place, rng = tmp_path_factory.mktemp("words"), np.random.default_rng(0)
    for name, hertz in (("low", 300), ("high", 2000)):
        (place / name).mkdir()
        for i in range(12):
            tone = 6000 * np.sin(2 * np.pi * hertz * np.arange(8000) / 8000) + rng.normal(0, 300, 8000)
            with wave.open(str(place / name / f"{i}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes(tone.astype("<i2").tobytes())
    return place


def config(words, limits=LIMITS, **others):
    return new_config(Target("", str(words), "stm32f405", ""), trainings=1, limits=limits, **others)


def test_what_the_front_end_takes_is_taken_off_the_limits(words):
    prepared, apart = prepare(config(words)), prepare(config(words, front_end_apart=True))
    front = front_end_cost(prepared.setup.task.front_end, prepared.setup.device)
    assert apart.limits == LIMITS
    assert prepared.limits.flash_bytes == LIMITS.flash_bytes - front.flash_bytes
    assert prepared.limits.ram_bytes == LIMITS.ram_bytes - front.ram_bytes
    assert prepared.limits.latency_ms == pytest.approx(LIMITS.latency_ms - front.latency_ms)
    assert min(front.row) > 0
    lines = about_data(prepared.setup, apart=False)
    assert any(line.startswith("front end, counted in the limits: ") for line in lines)
    assert "limits for the network alone: --front-end-apart" in lines


def test_a_front_end_that_takes_all_of_a_limit_is_one_line(words):
    with pytest.raises(ValueError, match=r"front end takes .* flash_bytes <= 4096: .* --front-end-apart") as error:
        prepare(config(words, replace(LIMITS, flash_bytes=4096)))
    assert "\n" not in str(error.value)


def test_a_first_region_without_room_for_the_front_end_is_one_line(words, tmp_path):
    """Its buffers lie there with the stack, whatever room a larger region behind has."""
    board = tmp_path / "two.toml"
    regions = '[{ name = "first", kb = %d, address = 0x20000000 }, { name = "second", kb = 64, address = 0x20010000 }]'
    text = 'description = "two"\nsource = "drawn"\ncore = "cortex-m4"\nclock_mhz = 84\nflash_kb = 256\nregions = '
    target = replace(config(words).target, device=str(board))
    board.write_text(text + regions % 8)
    assert prepare(replace(config(words), target=target)).limits.ram_bytes < LIMITS.ram_bytes
    board.write_text(text + regions % 2)
    with pytest.raises(
        ValueError, match=r"does not fit first, the first region of .*, of 2,048 B; .* --front-end-apart"
    ):
        prepare(replace(config(words), target=target))


def test_networks_are_pruned_to_what_is_left_for_them(words, tmp_path):
    prepared = prepare(config(words))
    setup, to = prepared.setup, ("flash_kb=24", "latency_ms=40")
    wanted = Limits.parse(to).less(setup.front_end.row)
    genes = tuple(map(int, setup.space.sample(np.random.default_rng(0), 1)[0]))
    graph, cost = setup.built(genes)
    left = max(cost.flash_bytes / wanted.flash_bytes, cost.latency_ms / wanted.latency_ms)
    names = str(words), "stm32f405", "native"
    assert excess(to, *names)(graph) == pytest.approx(left)
    trained = TrainConfig("x", names[0], Recipe(epochs=1), prune_to=to, device=names[1], runtime=names[2])
    assert trained.excess(graph) == pytest.approx(left)
    settings = of_networks(setup, to)
    assert Limits.parse(settings).latency_ms == wanted.latency_ms
    assert Limits.parse(settings).flash_bytes == wanted.flash_bytes
    assert of_networks(setup, to, apart=True) == to
    assert of_networks(setup, ()) == ()
    with pytest.raises(ValueError, match=r"front end takes .* flash_bytes <= 4096: .*; loosen that limit of"):
        of_networks(setup, ("flash_kb=4",))
    file = tmp_path / "genes.json"
    one = {"space": setup.target.space, "task": names[0], "device": names[1], "runtime": names[2], "genes": genes}
    for apart in (False, True):  # of a query, each as it counted
        found = {"target": one, "candidates": [{"genes": genes}], "front_end": {"apart": apart}}
        file.write_text(json.dumps(found))
        with pytest.raises(ValueError, match="still takes" if apart else "front end takes"):
            validate(file, 1, 1, 0, 0, tmp_path / "run", print, lambda *_: None, prune_to=("flash_bytes=4096",))


def test_a_query_counts_it_as_a_search_does(words, capsys):
    arguments = ["query", "--task", str(words), "--flash-kb", "4", "--top", "1", "--queries", "8"]
    for more, counted in (([], True), (["--front-end-apart"], False)):  # then what is missing are surrogates
        with pytest.raises(SystemExit) as stopped:
            cli.main([*arguments, *more])
        error = capsys.readouterr().err
        assert (stopped.value.code, error.count("\n")) == (2, 1)
        assert ("front end takes" in error) == counted


def test_a_run_of_before_goes_on_with_the_limits_of_its_network_alone(words):
    saved = json.loads(json.dumps(config(words).to_json()))
    assert SearchConfig.from_json(saved).front_end_apart is False
    del saved["front_end_apart"]
    assert SearchConfig.from_json(saved).front_end_apart is True


def test_firmware_is_held_to_what_is_left_for_the_network(words, tmp_path):
    """Its sizes are without the front end."""
    saved = config(words).to_json()
    front = {"computed_flash_bytes": 8000, "computed_ram_bytes": 4000, "computed_latency_ms": 10.0}
    (tmp_path / "networks").mkdir()
    for counted in (True, False):
        held = saved if counted else saved | {"front_end_apart": True}
        (tmp_path / "config.json").write_text(json.dumps(held), encoding="utf-8")
        result = {"front_end": front, "networks": [], "trainings": 0}
        (tmp_path / "result.json").write_text(json.dumps(result), encoding="utf-8")
        found = chosen_for(Source("x"), tmp_path).limits
        assert found == (LIMITS.less((8000, 4000, 10.0)) if counted else LIMITS)
    (tmp_path / "result.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps(saved), encoding="utf-8")
    assert chosen_for(Source("x"), tmp_path).limits == prepare(config(words)).limits  # a run that has not ended
    gone = saved | {"target": saved["target"] | {"task": str(tmp_path / "gone")}}
    (tmp_path / "config.json").write_text(json.dumps(gone), encoding="utf-8")
    found = chosen_for(Source("x"), tmp_path)
    assert found.limits == LIMITS
    assert found.said.startswith("limits count the firmware without a front end that the run may have had: there is no")
    assert found.said in lines({"limits_said": found.said})


def test_doing_it_again_is_the_same_search(words):
    """Also where what goes without saying has changed since the run began."""
    saved = json.loads(json.dumps(config(words, fidelities=("epochs=0.5",)).to_json()))
    said = command(saved)
    assert "--fidelity epochs=0.5" in said
    assert "warm" not in said
    assert "front-end-apart" not in said
    before = {k: v for k, v in saved.items() if k not in ("front_end_apart", "related")} | {"strategy": "latent_rl"}
    run = SimpleNamespace(config=before, result=SimpleNamespace(front_end={"computed_flash_bytes": 1}))
    again = command(with_begun(run))
    assert "--front-end-apart" in again
    assert "--set latent_rl.agent=ppo" in again
