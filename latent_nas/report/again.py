"""The command and the versions that do it again."""

import json
import shlex
from collections.abc import Iterable
from typing import Any

from latent_nas.records import versions
from latent_nas.report import Section
from latent_nas.report._html import Html, join, table, tag
from latent_nas.runs.read import Run

OPTIONS = {"search_epochs": "--child-epochs", "asynchronous": "--async", "settings": "--set"}
OPTIONS |= {"full_recipe": "--recipe", "weight_bits": "--weight-bits"}
OPTIONS |= {"fidelities": "--fidelity"}
UNSAID = {
    "target",
    "limits",
    "data",
    "workers",
    "warm_sha256",
    "front_found",
    "search_recipe",
    "final_recipe",
    "kept_search",
    "kept_full",
}  # said otherwise, no option, or of no consequence


class Again(Section):
    """Command, configuration, versions."""

    title, place = "Do it again", 120

    def show(self, run: Run) -> Html:
        """Return them."""
        if not run.config:
            raise ValueError("config.json can't be read")
        parts = [tag("pre", command(with_begun(run)), class_="wrap")]
        words = (
            "The same command gives the same networks wherever the versions below are the same and no limit on time is"
            " set; the number of workers changes nothing."
        )
        parts.append(tag("p", words))
        recorded = (run.result and run.result.versions) or next(
            (r.versions for r in reversed(run.records) if r.versions), {}
        )
        if recorded:
            now = versions()
            rows: list[list[object]] = [[name, value, now.get(name, "absent")] for name, value in recorded.items()]
            parts.append(table(["", "of the run", "of this report"], rows))
        whole = tag("pre", json.dumps(run.config, indent=1))
        parts.append(tag("details", tag("summary", "config.json"), whole))
        return join(*parts)


def with_begun(run: Run) -> dict[str, Any]:
    """Return a run's configuration with what went without saying when it began, and is otherwise by now."""
    config = dict(run.config)
    if "front_end_apart" not in config and run.result and run.result.front_end:
        config["front_end_apart"] = True
    if "target" in config:
        config["target"] = {"qat": "never", **config["target"]}  # before there was another way
    if "related" not in config and config.get("strategy") in ("latent_rl", "rl"):
        named = [str(text) for text in config.get("settings") or ()]
        config["settings"] = [*named, *["latent_rl.agent=ppo"] * all("agent=" not in text for text in named)]
    return config


def command(config: dict[str, Any]) -> str:
    """Return the command line of a configuration."""
    if config.get("strategy") == "validate":
        words = ["latent-nas", "validate", config.get("source", "CANDIDATES")]
        return _line(
            words, config, ("top", "final_seeds", "seed", "accelerator", "qat", "recipe", "weight_bits", "prune_to")
        )
    words = ["latent-nas", "search"]
    for name, value in ((k, v) for k, v in config.get("target", {}).items() if k not in UNSAID):
        for one in value if isinstance(value, (list, tuple)) else [value]:
            usual = one in ("", 0) or (name, one) == ("weight_bits", 8)
            words += [] if usual else [OPTIONS.get(name, f"--{name}"), str(one)]
    for name, value in (config.get("limits") or {}).items():
        if value is not None:
            words += ["--limit", f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"]
    return _line(words, config, [name for name in config if name not in UNSAID])


def _line(words: list[str], config: dict[str, Any], names: Iterable[str]) -> str:
    for name in names:
        value = config.get(name)
        option = OPTIONS.get(name, f"--{name.replace('_', '-')}")
        if value is True:
            words.append(option)
        elif isinstance(value, (list, tuple)):
            words += [word for one in value for word in (option, str(one))]
        elif value not in (None, "") and value is not False:
            words += [option, str(value)]
    return " ".join(map(shlex.quote, words))


Plugin = Again
