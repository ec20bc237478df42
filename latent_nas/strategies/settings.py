"""Settings of strategies from text: ``reinforce.entropy=0.01``.

A strategy's settings are its public class attributes that are a number, a truth value or a text, its bases' among them.
"""

import math
from collections.abc import Sequence
from typing import Any

from latent_nas import plugins
from latent_nas.nearest import meant
from latent_nas.strategies import Strategy

FIXED = ("name", "judged")  # what a strategy is, not how it is set
WORDS = {"true": True, "yes": True, "false": False, "no": False}


def settings(kind: type[Strategy]) -> dict[str, Any]:
    """Return a strategy's settings with their defaults."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, Strategy):
            plain = {k: v for k, v in vars(base).items() if type(v) in (bool, int, float, str)}
            found |= {k: v for k, v in plain.items() if not k.startswith("_") and k not in FIXED}
    return found


def configured(name: str, texts: Sequence[str], among: Sequence[str] = ()) -> type[Strategy]:
    """Return a strategy's class with the settings of texts ``STRATEGY.SETTING=VALUE`` that name it.

    Args:
        among: strategies that the texts may name as well, which are not set here.

    Raises:
        ValueError: an unknown strategy or setting (the nearest is named), a wrong value, or a setting given twice.
    """
    kind: type[Strategy] = plugins.load("strategies", name)
    called = {name, kind.name}  # that of a file of your own is a path
    given: dict[str, Any] = {}
    for text in texts:
        left, equals, value = text.partition("=")
        strategy, dot, setting = left.strip().partition(".")
        if not (equals and dot and strategy and setting):
            raise ValueError(f"--set wants STRATEGY.SETTING=VALUE, as in reinforce.entropy=0.01; got {text!r}")
        if strategy not in called and strategy not in among:
            plugins.load("strategies", strategy)  # says so if there is none
            raise ValueError(f"--set {text} is of strategy {strategy!r}, which is not used; used: {kind.name}")
        if strategy not in called:
            continue
        there = settings(kind)
        if setting not in there:
            raise ValueError(
                f"strategy {kind.name!r} has no setting {setting!r}{meant(setting, there)}; there are:"
                f" {', '.join(sorted(there))}"
            )
        if setting in given:
            raise ValueError(f"--set gives {name}.{setting} twice")
        what, words = f"{name}.{setting}", kind.words.get(setting)
        if words and value.strip() not in words:
            raise ValueError(f"{what} is one of {', '.join(words)}; got {value.strip()!r}")
        given[setting] = _value(what, value.strip(), there[setting], kind.ranges.get(setting))
    return type(kind.__name__, (kind,), given) if given else kind


def _value(what: str, text: str, default: Any, bounds: tuple[float, float] | None) -> Any:
    """Return a value of the default's type, in its range: by default at least 1 of an integer, 0 of a float."""
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in WORDS:
            raise ValueError(f"{what} is true or false, got {text!r}")
        return WORDS[text.lower()]
    whole = isinstance(default, int)
    try:
        value: float = int(text.replace("_", "")) if whole else float(text)
    except ValueError:
        value = math.nan
    low, high = bounds or (1 if whole else 0, math.inf)
    if not (low <= value <= high and math.isfinite(value)):
        wanted = "a whole number" if whole else "a number"
        limits = f"at least {low}" if high == math.inf else f"{low} to {high}"
        raise ValueError(f"{what} is {wanted}, {limits}; got {text!r}")
    return value
