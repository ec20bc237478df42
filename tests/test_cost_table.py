"""One network on several boards and runtimes: a table, clocks, energy, external flash, and what is refused."""

import json
from dataclasses import replace

import pytest

from latent_nas import cli, plugins
from latent_nas.costs import costs
from latent_nas.devices import Power, open_device
from latent_nas.jobs import compare, cost
from latent_nas.limits import Limits
from latent_nas.runtimes import open_runtime
from latent_nas.zoo import open_network

NETWORK = open_network("mlperf_ds_cnn")
CMSIS = open_runtime("cmsis_nn")


def command(capsys, *arguments):
    """Return (exit code, standard output, standard error) of `latent-nas`."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([*map(str, arguments)])
    printed = capsys.readouterr()
    return stopped.value.code, printed.out, printed.err


def test_every_pair_has_a_row_with_the_costs_of_its_own(capsys):
    pairs = ("--device", "stm32f446, nrf5340", "--runtime", "cmsis_nn,x_cube_ai")
    code, text, _ = command(capsys, "cost", "mlperf_ds_cnn", *pairs, "--json")
    rows = json.loads(text)
    assert code == 0
    assert [(row["device"], row["runtime"]) for row in rows] == [
        (device, runtime) for device in ("stm32f446", "nrf5340") for runtime in ("cmsis_nn", "x_cube_ai")
    ]
    alone = cost.explain(NETWORK, "nrf5340", "x_cube_ai", Limits())
    assert {key: rows[3][key] for key in ("flash_bytes", "ram_high_bytes", "latency_ms", "energy_uj")} == {
        key: alone[key] for key in ("flash_bytes", "ram_high_bytes", "latency_ms", "energy_uj")
    }
    _, text, _ = command(capsys, "cost", "mlperf_ds_cnn", *pairs, "--limit", "ram_kb=18")
    lines = text.splitlines()
    assert len(lines) == 5
    assert lines[1].split()[:3] == ["stm32f446", "cmsis_nn", "180"]
    assert lines[1].endswith("fits")
    assert lines[4].endswith("may not fit: RAM 11 to 19 KB of 18 KB")


def test_a_pair_that_has_no_costs_says_why_beside_the_others():
    lonely = replace(CMSIS, name="lonely", cores={"other": CMSIS.cores["cortex-m4"]})
    rows = compare.compare(NETWORK, ["stm32f446"], [CMSIS, lonely], Limits())
    assert rows[0]["fits"]
    assert "Runtimes that know it: bosch_hale, cmsis_nn" in rows[1]["refused"]
    with pytest.raises(ValueError, match="no row for core"):
        compare.compare(NETWORK, ["stm32f446"], [lonely], Limits())


def test_a_lower_clock_takes_longer_and_a_higher_one_is_refused(capsys):
    full, half = (cost.explain(NETWORK, "nrf5340", "tflm_zephyr", Limits(), clock) for clock in (None, 64))
    assert half["latency_ms"] == pytest.approx(2 * full["latency_ms"])
    assert (full["clock_mhz"], half["clock_mhz"]) == (128, 64)
    assert half["energy_uj"] is None  # nobody has measured its power there
    code, _, said = command(capsys, "cost", "mlperf_ds_cnn", "--device", "nrf5340", "--clock", 200)
    assert code == 2
    assert "nrf5340 runs at up to 128 MHz, got --clock 200" in said
    with pytest.raises(ValueError, match="got --clock 0"):
        open_device("nrf5340").at_clock(0)


def test_energy_is_time_at_the_power_of_the_device():
    device = open_device("nrf5340")
    found = costs(NETWORK, device, open_runtime("tflm_zephyr"))
    assert found.energy_uj == pytest.approx(11.7 * found.latency_ms)
    exact = costs(NETWORK, replace(device, power=Power(10.0, 0.3, "a test")), open_runtime("tflm_zephyr"))
    off = exact.latency_error_ms / exact.latency_ms
    assert exact.energy_error_uj == pytest.approx(exact.energy_uj * (0.3**2 + off**2) ** 0.5)
    assert costs(NETWORK, open_device("stm32f446"), CMSIS).energy_uj is None
    assert "energy      " in cost.table(cost.explain(NETWORK, "nrf5340", "tflm_zephyr", Limits()))


def test_what_is_larger_than_the_flash_on_the_chip_needs_one_beside_it():
    large = open_network("st_mobilenet_v1_05_224")
    found = cost.explain(large, "stm32f446", "x_cube_ai", Limits())
    assert found["needs_external_flash"]
    assert "needs external flash" in cost.table(found)
    assert "needs external flash" in compare.table(compare.compare(large, ["stm32f446"], ["x_cube_ai"], Limits()), [])
    assert not cost.explain(large, "rp2040", "x_cube_ai", Limits())["needs_external_flash"]


@pytest.mark.parametrize("floats", [True, False])
def test_a_float_model_costs_as_int8_and_says_so(floats):
    found = cost.explain(NETWORK, "stm32f446", "cmsis_nn", Limits()) | {"as_int8": floats, "notes": []}
    assert ("(computed, as int8)" in cost.table(found)) == floats
    assert ("computed, as int8" in compare.table([found, found], [])) == floats


def test_a_softmax_that_closes_a_file_takes_time():
    device = open_device("stm32f446")
    without, with_ = (costs(NETWORK, device, CMSIS, closed).latency_ms for closed in (False, True))
    assert (with_ - without) * 180e3 == pytest.approx(12 * 750)


def test_kernels_take_fewer_cycles_where_the_flash_waits_less():
    """As CMSIS-NN's layers did on boards at 64 and 80 MHz."""
    slow, fast = (CMSIS.cycles("add", open_device("stm32l476").core, mhz * 1e6)[0]["outputs"] for mhz in (80, 180))
    assert slow == pytest.approx(0.7 * fast)
    per_clock = [costs(NETWORK, open_device("stm32f446").at_clock(mhz), CMSIS).cycles for mhz in (80, 100, 180)]
    assert per_clock[0] < per_clock[1] == per_clock[2]


def test_what_a_run_was_for_is_what_its_network_costs_on(tmp_path, capsys):
    found = {"space": "mcu_cnn", "task": "digits", "genes": [0] * 35, "device": "nrf5340", "runtime": "tflm_zephyr"}
    (tmp_path / "best.json").write_text(json.dumps(found))
    _, text, _ = command(capsys, "cost", tmp_path / "best.json", "--json")
    assert [json.loads(text)[key] for key in ("device", "runtime")] == ["nrf5340", "tflm_zephyr"]
    _, text, _ = command(capsys, "cost", tmp_path / "best.json", "--device", "stm32f401", "--json")
    assert [json.loads(text)[key] for key in ("device", "runtime")] == ["stm32f401", "tflm_zephyr"]


def test_lists_say_cores_clocks_memory_and_error_bars(capsys):
    _, text, _ = command(capsys, "devices")
    line = next(line for line in text.splitlines() if line.startswith("stm32l476"))
    assert "cortex-m4, 80 MHz, 1,024 KB flash, RAM sram1 96 KB + sram2 32 KB; STM32L476RG" in line
    assert "external flash" in next(line for line in text.splitlines() if line.startswith("rp2350"))
    _, text, _ = command(capsys, "runtimes")
    line = next(line for line in text.splitlines() if line.startswith("tflm_zephyr"))
    assert "cortex-m33 13 %" in line
    assert line.endswith("RAM -1% to +20%")


def test_what_every_network_needs_of_a_device_with_power_is_said():
    for name in plugins.names("devices"):
        power = open_device(name).power
        assert power is None or (0 < power.mw < 1000 and 0 < power.error < 1 and power.source), name
