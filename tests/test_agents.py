"""One agent for every budget: the grid of elites, what is kept of a school, and answers under new limits."""

import numpy as np
import pytest

from latent_nas import artifacts, seeds
from latent_nas.agent import universal
from latent_nas.agent.elites import CELLS, Elites
from latent_nas.agent.universal import Adept
from latent_nas.contracts.toy import ToyCodec, ToyScorer, ToySpace
from latent_nas.env.core import EditCore
from latent_nas.env.rows import ACCURACY, JUDGED, LOG_COSTS, PLAIN
from latent_nas.judge.listing import Listing
from latent_nas.spaces import Gene
from latent_nas.spaces.categorical import Categorical
from latent_nas.tables.front import hypervolume

LIMITS = np.array([2000.0, np.inf, np.inf])


class Scorer(ToyScorer):
    """A toy's judge with all that an agent's school asks of one."""

    weight, margin = 1.0, 0.0

    def __init__(self, space):
        super().__init__()
        self.space = space


@pytest.fixture(scope="module")
def school():
    space = ToySpace()
    codec, scorer = ToyCodec(space), Scorer(space)
    return scorer, codec, universal.train_universal(scorer, codec, None, 8192, seed=0)


def judged(*rows):
    """Return judged rows of (score without a penalty, log cost)."""
    found = np.zeros((len(rows), JUDGED))
    for row, (plain, cost) in zip(found, rows, strict=True):
        row[PLAIN], row[LOG_COSTS] = plain, cost
    return found


class TestElites:
    def grid(self):
        return Elites.empty(np.linspace(0, 10, 101)[:, None].repeat(3, axis=1), slots=1, genes=1)

    def test_a_cell_keeps_its_best_and_a_better_one_replaces_it(self):
        grid = self.grid()
        ids = np.arange(4)[:, None]
        grid.add(ids, ids, judged((0.5, 1.0), (0.7, 1.0), (0.6, 1.0), (0.1, 5.0)))
        assert grid.genes[grid.taken].ravel().tolist() == [1, 3]
        grid.add(ids[:2] + 9, ids[:2] + 9, judged((0.65, 1.0), (0.2, 5.0)))
        assert grid.genes[grid.taken].ravel().tolist() == [1, 10]

    def test_what_lies_beyond_is_kept_at_the_rim(self):
        grid = self.grid()
        ids = np.arange(2)[:, None]
        grid.add(ids, ids, judged((0.5, -50.0), (0.5, 50.0)))
        assert np.flatnonzero(grid.taken).tolist() == [0, CELLS**3 - 1]

    def test_best_weighs_score_against_excess(self):
        grid = self.grid()
        ids = np.arange(3)[:, None]
        grid.add(ids, ids, judged((0.3, 1.0), (0.9, 3.0), (0.95, 5.9)))
        limits = np.exp(np.array([[3.0] * 3, [0.9] * 3, [9.0] * 3]))
        first = grid.best(limits, 1, weight=1.0, margin=0.0)[:, 0]
        assert grid.genes[first].ravel().tolist() == [1, 0, 2]
        small = grid.front()
        assert small.genes[small.best(limits, 1, 1.0, 0.0)[:, 0]].ravel().tolist() == [1, 0, 2]

    def test_asking_for_more_than_there_are_gives_all(self):
        grid = self.grid()
        grid.add(np.zeros((1, 1)), np.zeros((1, 1)), judged((0.3, 1.0)))
        assert grid.best(np.ones((2, 3)), 50, 1.0, 0.0).shape == (2, 1)


class TestSchool:
    def test_the_elites_are_of_all_sizes_and_what_the_judge_says_of_them_is_kept(self, school):
        scorer, _, adept = school
        costs = np.exp(adept.elites.judged[:, LOG_COSTS])
        assert costs[:, 0].max() > 1.5 * costs[:, 0].min()
        said = scorer(adept.elites.genes)
        assert adept.elites.judged[:, ACCURACY] == pytest.approx(said.predicted_accuracy)
        assert costs[:, 0] == pytest.approx(said.predicted_flash_bytes)

    def test_what_is_saved_comes_back(self, school, tmp_path):
        scorer, codec, adept = school
        adept.save(tmp_path / "agent", {}, {})
        again = Adept.load(tmp_path / "agent", codec)
        answers = [universal.compare(scorer, codec, a, LIMITS, 300, 0, ("agent",))["agent"] for a in (adept, again)]
        assert answers[0] == answers[1]

    def test_an_agent_of_another_codec_or_version_is_refused(self, school, tmp_path):
        _, codec, adept = school
        adept.save(tmp_path / "agent", {}, {})
        with pytest.raises(ValueError, match="no agent of this version and codec"):
            Adept.load(tmp_path / "agent", ToyCodec(Categorical([Gene("a", (0, 1))])))
        files = {"agent.safetensors": artifacts.pack(adept.agent.weights)}
        artifacts.save(tmp_path / "old", artifacts.Artifact("agent", {}, {}, files))
        with pytest.raises(ValueError, match="no agent of this version and codec"):
            Adept.load(tmp_path / "old", codec)

    def test_answers_count_every_query_and_are_judged_under_the_limits_asked(self, school):
        scorer, codec, adept = school
        core = EditCore(codec, scorer, LIMITS, 4, keep=True)
        first = universal.start(core, adept, core.limits[0])
        found = universal.answer(core, first, universal.edits(core, adept), seeds.rng(0), 400)
        assert core.queries <= 400
        assert found.values[0] == scorer(found.genes[:1], LIMITS[None]).pessimistic
        assert found.values[0] >= first.values.max()

    def test_limits_are_drawn_between_the_quantiles(self):
        logs = np.random.default_rng(0).normal(size=(1000, 3))
        drawn = np.log(universal.draw_limits(logs, seeds.rng(0), 500))
        low, high = np.quantile(logs, (universal.LOW, universal.HIGH), axis=0)
        assert (drawn >= low).all()
        assert (drawn <= high).all()


def test_a_listing_finds_every_network():
    space = Categorical([Gene("a", (0, 1, 2)), Gene("b", (0, 1)), Gene("c", (5, 6, 7, 8))])
    listing = Listing.of(space)
    assert len(listing.genes) == 24
    some = listing.genes[::-3]
    assert (listing.genes[listing.rows(some)] == some).all()


def test_hypervolume_worked_out_by_hand():
    gain, cost = np.array([2.0, 3.0, 1.5, 9.0, 0.5]), np.array([1.0, 3.0, 2.0, 6.0, 0.0])
    # From cost 1 to 3 one unit above 1, from 3 to 5 two; the third is dominated, the fourth too dear, the last too low.
    assert hypervolume(gain, cost, least=1.0, most=5.0) == pytest.approx(2 * 1 + 2 * 2)
    assert hypervolume(gain[:0], cost[:0], 1.0, 5.0) == 0
