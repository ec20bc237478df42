"""Limits: parsing, tightening, what is exceeded."""

from dataclasses import fields
from math import nan, nextafter

import numpy as np
import pytest

from latent_nas.limits import Limits
from latent_nas.units import COSTS, cost_row


def test_parse_reads_kilobytes_bytes_and_milliseconds():
    assert Limits.parse(["flash_kb=32", "ram_kb=16", "latency_ms=5"]) == Limits(32768, 16384, 5.0)
    assert Limits.parse(["flash_bytes=1000", "ram_kb=0.5"]) == Limits(1000, 512, None)
    assert Limits.parse([]) == Limits(None, None, None)


def test_parse_keeps_the_tighter_of_two():
    assert Limits.parse(["flash_kb=2", "flash_bytes=1000"]).flash_bytes == 1000
    assert Limits.parse(["flash_bytes=1000", "flash_kb=2"]).flash_bytes == 1000


NOT_LIMITS = ["flash", "flash=3", "flash_kb", "flash_kb=", "ram_kb=-1", "ram_kb=0", "ram_kb=nan", "=3", ""]
NOT_LIMITS += ["latency_ms=inf", "latency_ms=fast", "ram_bytes=0.5", "flash_kb=1e999"]


@pytest.mark.parametrize("text", NOT_LIMITS)
def test_parse_names_the_keys_in_one_line(text):
    with pytest.raises(ValueError, match="flash_kb, flash_bytes, ram_kb, ram_bytes, latency_ms") as error:
        Limits.parse([text])
    assert "\n" not in str(error.value)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "5", True])
def test_a_limit_is_a_positive_number(value):
    with pytest.raises(ValueError, match="latency_ms is a positive number"):
        Limits(latency_ms=value)


def test_tighten_takes_the_smaller_one_by_one():
    one, other = Limits(100, None, 5.0), Limits(200, 50, 2.0)
    assert one.tighten(other) == other.tighten(one) == Limits(100, 50, 2.0)
    assert one.tighten(Limits()) == one


def test_exceeded_names_what_is_above_and_by_how_much():
    limits = Limits(100, 50, None)
    assert limits.exceeded(150, 50, 1e9) == {"flash_bytes": 1.5}
    assert limits.exceeded(100, 50, 1e9) == {}
    assert limits.ratios(50, 50, 1.0) == {"flash_bytes": 0.5, "ram_bytes": 1.0}


@pytest.mark.parametrize("limits", [Limits(100, 50, None), Limits(100, None, 2.7), Limits(latency_ms=2.7), Limits()])
def test_kept_is_that_none_is_exceeded(limits):
    row = np.where(np.isfinite(limits.row()), limits.row(), 1e6)
    factors = np.array([0.5, 1.0, nextafter(1, 2), nextafter(1, 0), 3.0, nan])
    costs = np.array([[a, b, c] for a in factors for b in factors for c in factors]) * row
    assert limits.kept(costs).tolist() == [not limits.exceeded(*one) for one in costs]
    assert limits.kept(costs[:0]).tolist() == []


def test_json_round_trip():
    limits = Limits(100, None, 2.5)
    assert Limits.from_json(limits.to_json()) == limits
    with pytest.raises(ValueError, match="no limits flash; there are: flash_bytes"):
        Limits.from_json({"flash": 3})


def test_text_is_one_sentence_part_in_the_order_of_the_costs():
    assert Limits(32768, 16384, 5.0).text() == "at most 32 KB flash, 16 KB RAM, 5 ms"
    assert Limits(ram_bytes=1536).text() == "at most 1.5 KB RAM"
    assert Limits().text() == "no limits"


def test_row_is_in_the_order_of_the_one_list_of_costs():
    limits = Limits(100, None, 2.5)
    assert limits.row().tolist() == [100, float("inf"), 2.5]
    assert list(COSTS) == [field.name for field in fields(Limits)]
    assert cost_row(limits) == (100, None, 2.5)
