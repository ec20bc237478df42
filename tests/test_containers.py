"""Dockerfile and conda recipe, without a daemon and without conda: held to the files and versions that they repeat."""

import fnmatch
import json
import re
import shlex
import subprocess

import pytest
import yaml
from checkout import ROOT, files
from packaging.requirements import Requirement
from test_project import arguments  # noqa: F401 - a fixture

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
KNOWN = {"FROM", "ARG", "ENV", "WORKDIR", "RUN", "COPY", "USER", "VOLUME", "ENTRYPOINT", "CMD"}
RECIPE = yaml.safe_load((ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8"))
CONDA_NAMES = {"torch": "pytorch", "xgboost": "py-xgboost", "xgboost-cpu": "py-xgboost"}  # of conda-forge


def instructions():
    """Return the instructions of the Dockerfile and their arguments, by stage."""
    stages = []
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        assert name in KNOWN, f"unknown instruction {name}"
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, rest.strip()))
    return stages


def values(stage, wanted):
    """Return the arguments of every instruction of a stage with this name."""
    return [rest for name, rest in stage if name == wanted]


BUILD, FINAL = instructions()


def copied():
    """Return the sources of all COPY instructions that take files of the checkout."""
    return [source for rest in values(BUILD, "COPY") for source in shlex.split(rest)[:-1]]


class TestDockerfile:
    def test_every_stage_has_a_python_that_is_supported(self, arguments):  # noqa: F811
        for stage in (BUILD, FINAL):
            image = re.fullmatch(r"python:(3\.\d+)-slim(?: AS build)?", stage[0][1])
            assert f"Programming Language :: Python :: {image[1]}" in arguments["classifiers"]
        assert BUILD[0][1].split()[0] == FINAL[0][1]  # a virtual environment moves between equal Pythons only

    def test_what_is_copied_is_there_and_not_ignored(self):
        rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        allowed = {rule[1:] for rule in rules if rule.startswith("!")}
        assert [rule for rule in rules if rule and rule[0] not in "#!"] == ["*", "**/__pycache__"]
        assert {source.rstrip("/") for source in copied()} == allowed
        for source in copied():
            assert (ROOT / source).is_dir() == source.endswith("/"), source
            assert (ROOT / source).exists(), source
        assert values(FINAL, "COPY") == ["--from=build /opt/venv /opt/venv"]

    def test_all_that_the_package_is_made_of_is_copied(self, arguments):  # noqa: F811
        tops = {"latent_nas", *arguments["package_dir"].values(), *arguments["license_files"], "README.md"}
        sources = {source.rstrip("/") for source in copied()}
        assert tops <= sources
        packaged = [p.relative_to(ROOT).as_posix() for p in files() if p.relative_to(ROOT).parts[0] in tops]
        assert all(any(fnmatch.fnmatch(name, f"{source}*") for source in sources) for name in packaged)

    def test_every_install_keeps_to_the_pinned_versions(self):
        installs = [words for rest in values(BUILD, "RUN") if "pip install" in rest for words in [shlex.split(rest)]]
        assert len(installs) == 2
        pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
        for words in installs:
            assert words[words.index("-c") + 1] == "constraints.txt"
            assert not [word for word in words if re.search(r"[=<>]=", word) and word not in pins]
        assert installs[0][-1] == "torch"
        assert re.search(r"^torch==", pins, re.MULTILINE)

    def test_its_extras_are_there(self, arguments):  # noqa: F811
        (extras,) = re.findall(r'"\.\[(.+)\]"', "\n".join(values(BUILD, "RUN")))
        assert set(extras.split(",")) <= set(arguments["extras_require"])

    @pytest.mark.parametrize("line", [rest for stage in (BUILD, FINAL) for rest in values(stage, "RUN")])
    def test_the_shell_reads_every_line(self, line):
        assert subprocess.run(["sh", "-n", "-c", line], check=False).returncode == 0

    def test_torchs_index_is_used_where_one_is_given(self):
        (line,) = [rest for rest in values(BUILD, "RUN") if rest.endswith(" torch")]
        for index, wanted in (("", []), ("https://example.org/a b", ["--extra-index-url", "https://example.org/a b"])):
            script = f"pip() {{ for word; do echo \"$word\"; done; }}; TORCH_INDEX='{index}'; {line}"
            said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
            assert said.splitlines() == ["install", "-c", "constraints.txt", *wanted, "torch"]

    def test_it_runs_the_command_as_a_user_in_the_volume(self, arguments):  # noqa: F811
        names = [name for name, _ in FINAL]
        (user,) = values(FINAL, "USER")
        assert user not in {"root", "0"}
        assert f" {user} && mkdir /data && chown {user}:{user} /data" in values(FINAL, "RUN")[0]
        assert names.index("RUN") < names.index("USER") < names.index("ENTRYPOINT")
        assert values(FINAL, "VOLUME") == values(FINAL, "WORKDIR") == ["/data"]
        (command,) = json.loads(values(FINAL, "ENTRYPOINT")[0])
        assert command in [script.split(" = ")[0] for script in arguments["entry_points"]["console_scripts"]]
        assert json.loads(values(FINAL, "CMD")[0]) == ["--help"]


class TestRecipe:
    def test_version_python_and_command_are_those_of_setup(self, arguments):  # noqa: F811
        assert RECIPE["package"] == {"name": arguments["name"], "version": arguments["version"]}
        assert RECIPE["build"]["entry_points"] == arguments["entry_points"]["console_scripts"]
        assert f"python {arguments['python_requires']}" in RECIPE["requirements"]["host"]
        assert f"python {arguments['python_requires']}" in RECIPE["requirements"]["run"]
        assert RECIPE["about"]["license"] == arguments["license_expression"]
        assert (ROOT / "conda" / RECIPE["source"]["path"] / "setup.py").exists()

    def test_requirements_are_those_of_setup(self, arguments):  # noqa: F811
        wanted = {
            f"{CONDA_NAMES.get(one.name, one.name)} {one.specifier}"
            for one in map(Requirement, arguments["install_requires"])
        }
        assert set(RECIPE["requirements"]["run"]) == wanted | {f"python {arguments['python_requires']}"}

    def test_it_builds_with_what_pyproject_wants(self):
        wanted = re.search(r'requires = \["(.+)"\]', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
        assert str(Requirement(wanted)).replace("setuptools", "setuptools ") in RECIPE["requirements"]["host"]
