"""``docs/boards.md``: its steps name what ``deploy`` writes, and every layout builds as its manifest says."""

import ctypes
import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from checkout import ROOT
from test_component import GREY, made

from latent_nas.firmware.layouts import LAYOUTS, laid_out

PAGE = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in PAGE.split("\n## ")[1:])}
STEPS = {title: re.findall(r"^\d\. ((?:.+\n)(?: {3}.+\n)*)", text, re.MULTILINE) for title, text in SECTIONS.items()}
MANIFEST = {  # where headers and sources lie, by layout
    "library": (".", "."),
    "cubeide": ("model/Inc", "model/Src"),
    "arduino": ("src", "src"),
    "platformio": ("src", "src"),
    "zephyr": ("include", "src"),
    "esp-idf": ("include", "src"),
    "cmsis-pack": ("Include", "Source"),
}


def command(title):
    """Return the layout and the output folder of a section's command."""
    (line,) = re.findall(r"```sh\n(latent-nas deploy .*)\n```", SECTIONS[title])
    layout = re.search(r"--as (\S+)", line)
    return layout[1] if layout else "demo", re.search(r"--out (\S+)", line)[1]


TOOLS = [title for title, steps in STEPS.items() if steps]


def test_every_layout_has_a_section():
    assert {command(title)[0] for title in TOOLS} == set(LAYOUTS)


@pytest.mark.parametrize("title", TOOLS)
def test_a_board_takes_six_steps_at_most(title):
    assert 3 <= len(STEPS[title]) <= 6


@pytest.mark.parametrize("title", [title for title in TOOLS if command(title)[0] != "demo"])
def test_the_first_step_names_what_is_written(title):
    layout, out = command(title)
    files = laid_out(made(GREY), layout)
    folders = {"/".join(name.split("/")[:n]) for name in files for n in range(1, name.count("/") + 1)}
    for name in re.findall(r"`([^`\s]+)`", STEPS[title][0]):
        path = name.removeprefix(f"{out}/").removesuffix("/")
        assert path in folders | set(files), f"{name} is not written by --as {layout}"


def pack_of(files):
    """Return the C files of a pack's component, its description held to what PACK.xsd 1.7 asks for."""
    (name,) = [name for name in files if name.endswith(".pdsc")]
    root = ElementTree.fromstring(files[name])
    parts = [child.tag for child in root]
    assert root.tag == "package"
    assert re.fullmatch(r"1\.7\.\d+", root.attrib["schemaVersion"])
    assert len(parts) == len(set(parts))  # of xs:all each once, in any order
    assert {"name", "vendor", "description", "url", "releases"} <= set(parts)
    assert set(parts) <= {"name", "vendor", "description", "url", "releases", "license", "components", "conditions"}
    vendor, own = root.findtext("vendor"), root.findtext("name")
    assert name == f"{vendor}.{own}.pdsc"
    assert all(re.fullmatch(r"[\-_A-Za-z0-9]+", text) for text in (vendor, own))
    assert root.findtext("license") in files
    (release,), (component,) = root.iterfind("releases/release"), root.iterfind("components/component")
    assert release.text
    for version in (release.attrib["version"], component.attrib["Cversion"]):
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert {"Cclass", "Cgroup", "Cversion"} <= set(component.attrib) <= {"Cclass", "Cgroup", "Csub", "Cversion"}
    assert sorted(child.tag for child in component) == ["description", "files"]
    assert 0 < len(component.findtext("description")) <= 256
    listed = {file.attrib["name"]: file.attrib["category"] for file in component.iterfind("files/file")}
    assert {name for name, category in listed.items() if category == "include"} == {"Include/"}
    assert {n for n, category in listed.items() if category == "doc"} <= set(files)
    kinds = {n: {".h": "header", ".c": "source"}[n[-2:]] for n in listed if n.endswith((".h", ".c"))}
    assert kinds.items() <= listed.items()
    return set(kinds)


@pytest.mark.parametrize("layout", MANIFEST)
def test_a_layout_builds_as_its_manifest_says(tmp_path, layout):
    files = laid_out(made(GREY), layout)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    include, source = MANIFEST[layout]
    sources = {name for name in files if name.endswith(".c")}
    if layout == "platformio":
        build = json.loads(files["library.json"])["build"]
        assert (build["includeDir"], build["srcDir"]) == (include, source)
    if layout == "zephyr":
        assert f"zephyr_include_directories({include})" in files["CMakeLists.txt"]
    if layout == "cmsis-pack":
        assert pack_of(files) == sources | {name for name in files if name.endswith(".h")}
    if layout == "esp-idf":
        assert f'INCLUDE_DIRS "{include}"' in files["CMakeLists.txt"]
    if "CMakeLists.txt" in files:
        assert set(re.findall(r"[\w/]+\.c\b", files["CMakeLists.txt"])) == sources
    command = [sys.executable, "-m", "ziglang", "cc", "-std=c99", "-O1", "-g0", "-shared", "-fPIC"]
    command += [f"-I{tmp_path / include}", *(str(path) for path in sorted((tmp_path / source).glob("*.c")))]
    assert len(list((tmp_path / source).glob("*.c"))) == len(sources)
    done = subprocess.run([*command, "-o", str(tmp_path / "all.so")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ctypes.CDLL(str(tmp_path / "all.so")).model_self_test() == 0
