"""The mutations of ``benchmarks/mutants.py`` have each a place, and a test that is there."""

import sys

import pytest
from checkout import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
from mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_there_is_one_place_to_change_and_a_test_to_hold_it(mutant):
    assert (ROOT / "latent_nas" / mutant.file).read_text(encoding="utf-8").count(mutant.before) == 1
    file, _, name = mutant.test.partition("::")
    name = name.partition("[")[0].rpartition("::")[2]
    assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
