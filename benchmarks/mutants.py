"""Does a test notice? Each mutation is made in a copy of the package, and the test that is said to hold it is run.

python benchmarks/mutants.py [--only NAME]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Mutant:
    """A change of one place of the package, and the test that has to fail by it."""

    name: str
    file: str
    before: str
    after: str
    test: str


MUTANTS = [
    Mutant(
        "the last epoch's weights",
        "training/fit.py",
        "    if best_state is not None:\n        judged.load_state_dict(best_state)\n",
        "",
        "test_training.py::test_the_weights_are_those_of_the_best_epoch_not_of_the_last",
    ),
    Mutant(
        "warm-start records are never fitted",
        "study/__init__.py",
        "self._refit([*self.prior, *self.records])",
        "self._refit([*self.records])",
        "test_async_study.py::test_the_judge_learns_from_what_was_known_before[Study]",
    ),
    Mutant(
        "nor where nobody waits",
        "study/asynchronous.py",
        "self._refit([*self.prior, *self.records])",
        "self._refit([*self.records])",
        "test_async_study.py::test_the_judge_learns_from_what_was_known_before[AsyncStudy]",
    ),
    Mutant(
        "nor with halving",
        "study/halving.py",
        "self._refit([*self.prior, *self.records, *self.short])",
        "self._refit([*self.records, *self.short])",
        "test_async_study.py::test_the_judge_learns_from_what_was_known_before[Halving]",
    ),
    Mutant(
        "final order by the search's score",
        "jobs/final.py",
        "key=lambda pair: (-(_judged(*pair).score or 0), ",
        "key=lambda pair: (-(pair[0].score or 0), ",
        "test_search_rules.py::test_final_networks_are_ordered_by_full_trainings_on_the_validation_part",
    ),
    Mutant(
        "Store.add ignores",
        "store.py",
        "INSERT OR REPLACE INTO record",
        "INSERT OR IGNORE INTO record",
        "test_keeping.py::test_a_training_that_is_repeated_replaces_its_record",
    ),
    Mutant(
        "corrections to both sides",
        "jobs/search/assemble.py",
        "np.exp(np.maximum(excess(prior + study.records), 0))",
        "np.exp(excess(prior + study.records))",
        "test_search_rules.py::test_what_devices_took_makes_limits_stricter_and_never_looser",
    ),
    Mutant(
        "the top n in place of the batch",
        "strategies/latent_rl.py",
        "chosen = judge.batch(hopeful[: max(4 * n, 64)], n, known)",
        "chosen = np.arange(min(n, len(hopeful)))",
        "test_latent_rl.py::test_the_batch_is_the_judges_not_the_top_of_the_ranking",
    ),
    Mutant(
        "ties are undone",
        "env/core.py",
        "np.flatnonzero(rows.judged[changed, PESSIMISTIC] < known)",
        "np.flatnonzero(rows.judged[changed, PESSIMISTIC] <= known)",
        "test_env.py::test_an_edit_that_changes_no_score_is_kept",
    ),
    Mutant(
        "no descent",
        "jobs/reach.py",
        "if aim(found).min() <= value:",
        "if False:",
        "test_search_rules.py::test_limits_that_no_sample_keeps_are_reached_by_descent",
    ),
    Mutant(
        "rewards are not clipped",
        "agent/learner.py",
        "np.clip(rewards / self.unit, -1, 1)",
        "(rewards / self.unit)",
        "test_ppo.py::test_rewards_are_counted_in_their_unit_and_clipped",
    ),
    Mutant(
        "no discount",
        "agent/learner.py",
        "gamma=GAMMA,",
        "gamma=1.0,",
        "test_ppo.py::test_what_comes_later_counts_less",
    ),
    Mutant(
        "calibration on 8 samples",
        "training/__init__.py",
        "CALIBRATION = 512",
        "CALIBRATION = 8",
        "test_training.py::test_activations_are_calibrated_on_512_training_samples",
    ),
    Mutant(
        "the moving average does not warm up",
        "training/learner.py",
        "1 - min(self.recipe.average, done / (done + 9))",
        "1 - self.recipe.average",
        "test_training.py::test_the_moving_average_starts_with_the_first_steps",
    ),
]


def passes(folder: Path, test: str) -> bool:
    """Return whether a test passes with the package that lies in a folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/{test}"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # neither passed nor failed: the test was not run
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="words of a mutant's name")
    options = parser.parse_args()
    survivors = 0
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for name in ("latent_nas", "tests", "pyproject.toml"):
            whole, made = ROOT / name, copy / name
            if whole.is_dir():
                shutil.copytree(whole, made, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(whole, made)
        for mutant in MUTANTS:
            if options.only and options.only not in mutant.name:
                continue
            file = copy / "latent_nas" / mutant.file
            text = file.read_text(encoding="utf-8")
            if text.count(mutant.before) != 1:
                raise SystemExit(f"{mutant.name}: {mutant.file} has not exactly one place to change")
            sound = passes(copy, mutant.test)
            file.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
            killed = sound and not passes(copy, mutant.test)
            file.write_text(text, encoding="utf-8")
            survivors += not killed
            said = "killed" if killed else "SURVIVED" if sound else "NOT TESTED: the test fails without it"
            print(f"{said:9} {mutant.name} ({mutant.file}) by {mutant.test}", flush=True)
    print(f"{survivors} not killed")
    raise SystemExit(bool(survivors))


if __name__ == "__main__":
    main()
