"""A codec kept as files: the same again, and one line where it is damaged or of another space."""

import json
import shutil

import pytest
from codecs_of_tests import Toy, draws

from latent_nas import shipped
from latent_nas.artifacts import MANIFEST
from latent_nas.codec import Codec
from latent_nas.jobs import models
from latent_nas.jobs.search.begin import begin, resumed
from latent_nas.jobs.search.config import new_config
from latent_nas.runs import files
from latent_nas.sealed import seal
from latent_nas.spaces import Gene, open_space
from latent_nas.target import MAIN_TARGET


class TestFiles:
    def test_a_loaded_codec_is_the_saved_one(self, codec, tmp_path):
        codec.save(tmp_path / "codec")
        loaded = Codec.load(tmp_path / "codec", codec.space)
        genes = draws(codec)
        codes = codec.encode(genes)
        assert (loaded.encode(genes) == codes).all()
        assert (loaded.decode_codes(codes) == codec.decode_codes(codes)).all()
        for name, y in codec.predict_heads(codec.latent(codes)).items():
            assert (loaded.predict_heads(loaded.latent(codes))[name] == y).all()
        assert (loaded.made, loaded.quality, loaded.settings) == (codec.made, codec.quality, codec.settings)

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda d: (d / "codec.safetensors").write_bytes(b"x"), "sha256"),
            (lambda d: (d / "codec.safetensors").unlink(), "missing"),
            (lambda d: (d / MANIFEST).write_text("{"), "damaged"),
            (lambda d: (d / MANIFEST).unlink(), "no codec"),
            (lambda d: edit(d, lambda m: m.update(kind="agent")), "holds a agent, wanted a codec"),
            (lambda d: edit(d, lambda m: m.update(sha256={})), "no whole codec"),
        ],
    )
    def test_damage_is_one_line(self, toy_codec, tmp_path, spoil, said):
        toy_codec.save(tmp_path / "codec")
        spoil(tmp_path / "codec")
        with pytest.raises(ValueError, match=said) as error:
            Codec.load(tmp_path / "codec", toy_codec.space)
        assert "\n" not in str(error.value)

    def test_a_codec_of_another_space_is_one_line(self, toy_codec, mcu_codec, tmp_path):
        mcu_codec.save(tmp_path / "codec")
        with pytest.raises(ValueError, match="space mcu_cnn, wanted toy"):
            Codec.load(tmp_path / "codec", toy_codec.space)
        with pytest.raises(ValueError, match=r"input_shape \[8, 8, 1\], wanted \[16, 16, 1\]"):
            Codec.load(tmp_path / "codec", open_space("mcu_cnn", (16, 16, 1), 10))
        toy_codec.save(tmp_path / "toy")
        larger = Toy((8, 8, 1), 10)
        larger.genes = (*Toy.genes, Gene("more", (0, 1)))
        with pytest.raises(ValueError, match="gene sizes"):
            Codec.load(tmp_path / "toy", larger)


def edit(folder, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(seal(manifest)))


def test_a_run_goes_on_with_the_codec_that_it_began_with(tmp_path):
    named, run = tmp_path / "codec", tmp_path / "run"
    shutil.copytree(shipped.folder("pretrained") / "mcu_cnn-digits/codec", named)
    prepared, folder = begin(new_config(MAIN_TARGET, codec=str(named)), run)
    began = models.codec(prepared.setup, named, folder.path / files.CODEC, 0, print)
    shutil.rmtree(named)
    prepared, folder = resumed(run)
    goes_on = models.codec(prepared.setup, named, folder.path / files.CODEC, 0, print)
    genes = draws(began)
    assert (goes_on.encode(genes) == began.encode(genes)).all()
    with pytest.raises(ValueError, match=r"codec holds no codec|no codec"):
        begin(new_config(MAIN_TARGET, codec=str(named)), tmp_path / "other")
