"""The command and the versions that do it again."""

import json
import shlex
from typing import Any

from latent_nas.records import versions
from latent_nas.report import Section
from latent_nas.report._html import Html, join, table, tag
from latent_nas.report._run import Run


class Again(Section):
    """Command, configuration, versions."""

    title, place = "Do it again", 120

    def show(self, run: Run) -> Html:
        """Return them."""
        if not run.config:
            raise ValueError("config.json can't be read")
        parts = [tag("pre", command(run.config), class_="wrap")]
        words = (
            "The same command gives the same networks wherever the versions below are the same and no limit on time is"
            " set; the number of workers changes nothing."
        )
        parts.append(tag("p", words))
        recorded = run.result.get("versions") or next((r.versions for r in reversed(run.records) if r.versions), {})
        if recorded:
            now = versions()
            rows: list[list[object]] = [[name, value, now.get(name, "absent")] for name, value in recorded.items()]
            parts.append(table(["", "of the run", "of this report"], rows))
        whole = tag("pre", json.dumps(run.config, indent=1))
        parts.append(tag("details", tag("summary", "config.json"), whole))
        return join(*parts)


def command(config: dict[str, Any]) -> str:
    """Return the command line of a configuration."""
    if config.get("strategy") == "validate":
        words = ["latent-nas", "validate", config.get("source", "CANDIDATES")]
        return _line(words, config, ("top", "final_seeds", "seed"))
    words = ["latent-nas", "search"]
    for name, value in config.get("target", {}).items():
        words += [f"--{name}", str(value)]
    for name, value in (config.get("limits") or {}).items():
        if value is not None:
            words += ["--limit", f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"]
    names = ("strategy", "trainings", "batch", "wall_s", "seed", "top", "final_seeds", "codec", "warm_start")
    return _line(words, config, names)


def _line(words: list[str], config: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        if config.get(name) not in (None, ""):
            words += [f"--{name.replace('_', '-')}", str(config[name])]
    return " ".join(map(shlex.quote, words))


Plugin = Again
