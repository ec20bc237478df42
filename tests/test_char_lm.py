"""The task of text: windows, vocabularies, metrics, downloads, and what it refuses."""

from math import log2
from pathlib import Path

import numpy as np
import pytest
from text import text

from latent_nas.spaces.tiny_transformer import TinyTransformer
from latent_nas.tasks import Task, open_task
from latent_nas.tasks.char_lm import CONTEXT, UNSCORED
from latent_nas.tasks.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(text(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def task(file: Path) -> Task:
    return open_task(f"char_lm:{file}")


class TestData:
    def test_parts_follow_one_another_and_targets_are_the_next_tokens(self, task: Task):
        data, whole = task.data(), text()
        pieces = np.array(task.pieces(task.outputs))
        assert task.outputs == len(set(whole))
        for part, (start, end) in zip((data.train, data.valid, data.test), ((0, 90), (90, 95), (95, 100)), strict=True):
            assert part.x.shape == part.y.shape == (len(part), CONTEXT)
            expected = whole[len(whole) * start // 100 : len(whole) * end // 100]
            assert "".join(pieces[part.x[0]]) == expected[:CONTEXT]
            seen = part.y != UNSCORED
            assert (part.y[:, :-1][seen[:, :-1]] == part.x[:, 1:][seen[:, :-1]]).all()
            assert "".join(pieces[part.x[-1]]) in expected

    @pytest.mark.parametrize("size", [0, 60])
    def test_every_held_out_token_but_the_first_is_scored_once_and_in_order(self, task: Task, size: int):
        space = TinyTransformer(task.input_shape, task.outputs, vocabulary=(size or "characters",))
        graph = space.graph([0] * 6)
        data = task.data_of(graph)
        for part in (data.valid, data.test):
            scored = part.y[part.y != UNSCORED]
            tokens = np.concatenate([part.x[0, :1], scored])
            said = "".join(task.pieces(graph.output_shape[-1])[t] for t in tokens)
            assert said in text()
            assert len(said) == 300
            behind = np.argmax(part.y != UNSCORED, axis=1)[1:]  # tokens of context before the first that is scored
            assert behind.min() >= 15

    def test_what_is_learnt_covers_the_train_part_at_four_alignments(self, task: Task):
        x = task.data().train.x
        begins = {bytes(row) for row in x}
        assert len(begins) > 600
        assert len(x) == pytest.approx(5400 / 8, abs=8)

    def test_it_is_described_without_reading_it(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setenv("LATENT_NAS_DATA", str(tmp_path))
        task = open_task("char_lm")
        assert (task.input_shape, task.outputs, task.metrics[0].name) == ((32,), 65, "bits_per_character")
        assert not task.metrics[0].higher_is_better
        assert not any(tmp_path.iterdir())


class TestVocabulary:
    def test_byte_pairs_are_learnt_on_the_train_part_alone_and_are_always_the_same(self, file: Path, tmp_path: Path):
        whole = text()
        other = tmp_path / "other.txt"
        other.write_text(whole[:5400] + whole[5400:][::-1], encoding="utf-8")
        one, two = open_task(f"char_lm:{file}").pieces(60), open_task(f"char_lm:{other}").pieces(60)
        assert one == two
        assert len(set(one)) == 60
        assert set(whole) == {p for p in one if len(p) == 1}

    def test_tokens_give_the_text_back(self):
        characters = Vocabulary.characters(text())
        pairs = Vocabulary.byte_pairs(characters, text()[:3000], 50)
        for vocabulary in (characters, pairs):
            assert vocabulary.decode(vocabulary.encode(text())) == text()
        assert len(pairs.encode(text())) < 0.6 * len(text())

    @pytest.mark.parametrize(("size", "words"), [(100_000, "supports a vocabulary of"), (10, "no room")])
    def test_what_the_text_does_not_support_is_said(self, size: int, words: str):
        with pytest.raises(ValueError, match=words):
            Vocabulary.byte_pairs(Vocabulary.characters(text()), text(), size)

    def test_a_strange_character_is_named(self):
        with pytest.raises(ValueError, match="'ß'"):
            Vocabulary.characters(text()).encode("aß")


class TestMetrics:
    def test_bits_are_per_character_whatever_the_vocabulary(self, task: Task):
        for size in (task.outputs, 60):
            pieces = task.pieces(size)
            y = np.array([[UNSCORED, 3, size - 1, 5]])
            measured = task.kind.measure(np.zeros((1, 4, size), np.float32), y)
            characters = sum(len(pieces[t]) for t in (3, size - 1, 5))
            assert measured["bits_per_character"] == pytest.approx(3 * log2(size) / characters, rel=1e-5)
            assert task.kind.score(np.zeros((1, 4, size), np.float32), y) == -measured["bits_per_character"]

    def test_tokens_are_added_up_by_their_first_character(self, task: Task):
        pieces = task.pieces(60)
        alike = [i for i, p in enumerate(pieces) if p[0] == "m"]
        alone = next(i for i, p in enumerate(pieces) if p[0] == "." and len(p) == 1)
        assert len(alike) > 1
        logits = np.full((1, 1, 60), -20.0, np.float32)
        logits[0, 0, alone], logits[0, 0, alike] = np.log(0.4), np.log(0.6 / len(alike))  # the likeliest token is "."
        assert logits.argmax() == alone
        assert task.kind.measure(logits, np.array([[alike[0]]]))["accuracy"] == 1
        assert task.kind.measure(logits, np.array([[alone]]))["accuracy"] == 0


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "words"),
        [(b"too short a text. " * 8, "a context of 32"), (b"\xff\xfe\x00", "UTF-8"), (b"a" * 5000, "a context of 32")],
    )
    def test_a_text_that_can_not_be(self, tmp_path: Path, content: bytes, words: str):
        (tmp_path / "t.txt").write_bytes(content)
        with pytest.raises(ValueError, match=words):
            open_task(f"char_lm:{tmp_path / 't.txt'}")

    def test_no_file_and_a_task_without_data_of_ones_own(self, tmp_path: Path):
        with pytest.raises(ValueError, match="does not exist"):
            open_task(f"char_lm:{tmp_path / 'nothing'}")
        with pytest.raises(ValueError, match="takes no data of your own"):
            open_task("digits:mine")


def test_another_file_in_the_place_of_the_download_is_refused_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("LATENT_NAS_DATA", str(tmp_path))
    file = tmp_path / "tinyshakespeare/input.txt"
    file.parent.mkdir()
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="move it away"):
        open_task("char_lm").data()
    assert file.read_text(encoding="utf-8") == "mine"
