"""What is installed is whole: an sdist, a wheel made from it, and commands run from it far from any checkout."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from email import message_from_string
from email.message import Message
from pathlib import Path

import checkout
import pytest

import latent_nas
from latent_nas import shipped

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
BASE = Path(sys.base_prefix) / "bin" / f"python{VERSION}"  # not the environment's, in which `--user` is refused
PYTHON = BASE if BASE.exists() else Path(sys._base_executable)
LIBRARIES = sysconfig.get_paths()["purelib"]  # what the package needs is not installed once more
TINY = ["--limit", "flash_kb=9", "--limit", "ram_kb=4", "--limit", "latency_ms=0.6"]
SEARCH = ["--trainings", "2", "--batch", "2", "--child-epochs", "1", "--top", "1", "--final-seeds", "1", *TINY]
SEARCH += ["--recipe", "epochs=4"]
READ = """
import json
from latent_nas import artifacts, shipped
from latent_nas.jobs.make import dataset
records = dataset.read(shipped.folder("datasets_arch") / "mcu_cnn-digits.parquet")
models = artifacts.load(shipped.folder("pretrained") / "mcu_cnn-digits/accuracy", "accuracy surrogates")
print(json.dumps([len(records), sorted(models.files)]))
"""


def run(
    *command: str | Path, cwd: Path, search_path: str = "", user: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Return a process that ended well, of which no variable of this one decides what is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # A distribution's Python wants to be told that a folder of your own is meant, and older pips don't know the flag.
    more = {"PYTHONPATH": search_path or LIBRARIES, "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    more |= {"PYTHONUSERBASE": str(user)} if user else {"PYTHONNOUSERSITE": "1"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@dataclass(frozen=True)
class Built:
    """A copy of the checkout, the sdist made of it, and the wheel made of the sdist."""

    source: Path
    sdist: Path
    wheel: Path

    def files(self) -> set[str]:
        """Return the paths in the wheel."""
        with zipfile.ZipFile(self.wheel) as wheel:
            return set(wheel.namelist())

    def metadata(self) -> Message:
        with zipfile.ZipFile(self.wheel) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            return message_from_string(wheel.read(name).decode())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    place = tmp_path_factory.mktemp("built")
    for path in checkout.files():
        copy = place / "source" / path.relative_to(checkout.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    make = "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
    run(PYTHON, "-c", make, "build_sdist", place, cwd=place / "source")
    (sdist,) = place.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    run(PYTHON, "-c", make, "build_wheel", place, cwd=place / sdist.name.removesuffix(".tar.gz"))
    (wheel,) = place.glob("*.whl")
    return Built(place / "source", sdist, wheel)


class TestWheel:
    def test_it_holds_every_file_of_the_package(self, built: Built):
        wanted = set()
        for path in checkout.files():
            place = path.relative_to(checkout.ROOT)
            if place.parts[0] == "latent_nas":
                wanted.add(place.as_posix())
            elif place.parts[0] in {"datasets_arch", "pretrained"}:
                wanted.add(f"latent_nas/_shipped/{place.as_posix()}")
        assert {name for name in built.files() if not name.startswith("latent_nas-")} == wanted

    def test_it_has_ten_megabytes_at_most(self, built: Built):
        assert built.wheel.stat().st_size <= 10e6
        assert built.sdist.stat().st_size <= 10e6

    def test_its_metadata_are_whole(self, built: Built):
        about = built.metadata()
        assert about["Version"] == latent_nas.__version__
        assert about["License-Expression"] == "MIT"
        assert about["Requires-Python"] == ">=3.10"
        assert about["Author"]
        assert "Typing :: Typed" in about.get_all("Classifier", [])
        (licence,) = (name for name in built.files() if name.endswith("/licenses/LICENSE"))
        with zipfile.ZipFile(built.wheel) as wheel:
            assert wheel.read(licence) == (checkout.ROOT / "LICENSE").read_bytes()
        assert "latent_nas/py.typed" in built.files()


def test_the_sdist_holds_the_whole_project(built: Built):
    with tarfile.open(built.sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {path.relative_to(checkout.ROOT).as_posix() for path in checkout.files()} <= held


def others(place: Path) -> Path:
    """Return a folder of links to all libraries but the package, whose finder would come first, of the same name."""
    place.mkdir()
    for path in Path(LIBRARIES).iterdir():
        if "latent_nas" not in path.name:
            (place / path.name).symlink_to(path)
    return place


class Installed:
    """The package as pip put it somewhere, asked from an empty folder."""

    def __init__(self, way: str, built: Built, place: Path):
        self.cwd, self.user = place / "empty", None if way == "target" else place / "user"
        libraries = str(others(place / "libraries"))
        self.search_path = os.pathsep.join([str(place / "target"), libraries]) if way == "target" else libraries
        self.home = built.source if way == "editable" else place
        self.cwd.mkdir()
        options = ["--target", place / "target"] if way == "target" else ["--user"]
        what = ["--no-build-isolation", "--editable", built.source] if way == "editable" else [built.wheel]
        # Without --ignore-installed pip would remove the one that these tests are run with.
        pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", *options]
        run(PYTHON, *pip, *what, cwd=self.cwd, user=self.user)

    def __call__(self, *command: str | Path) -> str:
        return run(PYTHON, *command, cwd=self.cwd, search_path=self.search_path, user=self.user).stdout


@pytest.fixture(scope="module", params=["target", "user", "editable"])
def installed(request: pytest.FixtureRequest, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(request.param, built, tmp_path_factory.mktemp(request.param))


class TestInstalled:
    def test_it_is_the_one_that_runs(self, installed: Installed):
        home = Path(installed("-c", "import latent_nas; print(latent_nas.__file__)").strip())
        assert home.is_relative_to(installed.home)
        assert installed("-m", "latent_nas", "--version").strip() == f"latent_nas {latent_nas.__version__}"

    def test_the_shipped_table_and_models_are_read(self, installed: Installed):
        records, files = json.loads(installed("-c", READ))
        assert records > 3000
        assert "full.gp.gp.safetensors" in files


@pytest.mark.parametrize("installed", ["user"], indirect=True)
class TestFarFromACheckout:
    def test_a_query(self, installed: Installed):
        answer = json.loads(installed("-m", "latent_nas", "query", "--top", "1", "--queries", "300"))
        assert len(answer["candidates"]) == 1

    def test_a_search_and_its_firmware(self, installed: Installed):
        installed("-m", "latent_nas", "search", *SEARCH, "--workers", "1", "--out", "run")
        result = json.loads((installed.cwd / "run/result.json").read_text())
        assert result["networks"][0]["fits"] is True
        report = json.loads(installed("-m", "latent_nas", "deploy", "run", "--out", "firmware", "--emulate", "--json"))
        assert report["emulated"]["bit_exact"] is True
        assert (installed.cwd / "firmware/main.c").is_file()
        assert (installed.cwd / "firmware/LICENSE").read_bytes() == (checkout.ROOT / "LICENSE").read_bytes()


def test_windows_is_refused_in_a_line():
    code = "import sys; sys.platform = 'win32'; import latent_nas"
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == (
        "ImportError: latent_nas needs the file locks and signals of Linux or macOS; on Windows run it in WSL 2"
    )


def test_what_is_in_neither_place_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(shipped, "PACKAGE", tmp_path / "latent_nas")
    with pytest.raises(FileNotFoundError, match="install latent_nas again"):
        shipped.folder("pretrained")
