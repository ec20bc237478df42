"""``latent-nas doctor``: what is installed, what is missing, and what the machine has."""

import importlib
import importlib.metadata
import json
import os
import platform
import re
from typing import Any

import typer

from latent_nas.accelerator import AUTO, resolve, said
from latent_nas.cli import options

OK, MISSING = "ok", "missing"


def doctor(as_json: options.Json = False) -> None:
    """Say what is installed, which extras are missing, and what the machine has. Exit code 1 where something fails.

    Example: latent-nas doctor
    """
    found = examine()
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(lines(found)))
    if found["broken"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """Return the state of libraries and machine as JSON values."""
    libraries: dict[str, dict[str, str | None]] = {}
    broken = []
    try:
        requirements = importlib.metadata.requires("latent_nas") or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
        broken.append("latent_nas itself is not installed; run pip install -e . in its folder")
    for text in requirements:
        requirement, _, marker = text.partition(";")
        if extra := re.search(r"extra\s*==\s*['\"](.+?)['\"]", marker):
            group = extra[1]
        elif marker.strip():
            continue  # of another machine, or the other spelling of one
        else:
            group = "needed"
        name = re.split(r"[<>=!~\[ ]", requirement.strip())[0]
        libraries.setdefault(group, {})[name] = _version(name)
    broken += [f"{name} is not installed" for name, version in libraries.get("needed", {}).items() if version is None]
    for module in ("torch", "xgboost", "sklearn", "stable_baselines3", "gymnasium", "networkx"):
        try:
            importlib.import_module(module)
        except ImportError as error:
            broken.append(f"{module} can't be imported: {' '.join(str(error).split())[:150]}")
    return {
        "latent_nas": _version("latent_nas"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads_per_process": os.environ.get("OMP_NUM_THREADS"),
        "gpu": _gpu(),
        "accelerator": _accelerator(),
        "data_folder": os.environ.get("LATENT_NAS_DATA"),
        "libraries": libraries,
        "broken": broken,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """Return what ``examine`` found, for people."""
    threads = found["threads_per_process"]
    shown = [
        f"latent_nas {found['latent_nas']}, Python {found['python']} on {found['machine']}, {found['cores']} cores",
        f"threads per process: {threads}",
        f"GPU: {found['gpu'] or 'none seen by torch; none is needed'}",
        f"--accelerator auto: {found['accelerator']}",
        f"data folder (LATENT_NAS_DATA): {found['data_folder'] or 'not set, so the cache of your account'}",
    ]
    for group, parts in sorted(found["libraries"].items(), key=lambda pair: (pair[0] != "needed", pair[0])):
        missing = [name for name, version in parts.items() if version is None]
        have = ", ".join(f"{name} {version}" for name, version in parts.items() if version)
        title = "libraries" if group == "needed" else f"extra {group!r}"
        if missing and group != "needed":
            shown.append(f"{title}: {MISSING} {', '.join(missing)}; pip install -e '.[{group}]'")
        else:
            shown.append(f"{title}: {OK} ({have})")
    return [*shown, *(f"BROKEN: {line}" for line in found["broken"])]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _gpu() -> str | None:
    try:
        import torch
    except ImportError:
        return None
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def _accelerator() -> str:
    """Return where networks would be trained."""
    try:
        return said(resolve(AUTO))
    except ImportError:
        return "nowhere, as torch is missing"
