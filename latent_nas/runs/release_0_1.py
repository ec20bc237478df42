"""What release 0.1 wrote into a run folder, in the words of today."""

from collections.abc import Mapping
from typing import Any


def network(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network of ``result.json`` with its metrics by name."""
    if "measured_int8" in data:
        return dict(data)
    plain = {name: value for name, value in data.items() if not name.startswith("measured_") or name == "measured_on"}
    metrics, spreads = (dict(data.get(f"measured_metrics{end}", {})) for end in ("", "_std"))
    beside = {name for name in metrics if name.startswith("analog_")}
    for kind in ("float", "int8"):
        mean, std = (data.get(f"measured_{kind}_accuracy{end}") for end in ("", "_std"))
        plain[f"measured_{kind}"] = {} if mean is None else {"accuracy": mean}
        plain[f"measured_{kind}_std"] = {} if mean is None else {"accuracy": std or 0.0}
    for name, value in metrics.items():
        kind = "beside" if name in beside else "int8"
        plain.setdefault(f"measured_{kind}", {})[name] = value
        plain.setdefault(f"measured_{kind}_std", {})[name] = spreads.get(name, 0.0)
    by_seed = data.get("measured_int8_accuracy_by_seed", {})
    plain["measured_int8_by_seed"] = {seed: {"accuracy": value} for seed, value in by_seed.items() if value is not None}
    for part in ("valid", "search"):
        value = data.get(f"measured_{part}_int8_accuracy")
        plain[f"measured_{part}_int8"] = {} if value is None else {"accuracy": value}
    return plain


def result(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``result.json`` holds with metrics by name."""
    best = data.get("best_measured_valid_int8_accuracy")
    measured = {} if best is None else {"int8_accuracy": best}
    networks = [network(one) for one in data.get("networks", ())]
    return {"best_measured_valid": measured, **data, "networks": networks}


def architecture(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``best_architecture.json`` holds with metrics by name."""
    plain = dict(data)
    for kind in ("float", "int8"):
        value = plain.pop(f"measured_{kind}_accuracy", None)
        plain.setdefault(f"measured_{kind}", {} if value is None else {"accuracy": value})
    return plain


def findings(data: Mapping[str, Any], objective: str, higher_is_better: bool) -> dict[str, Any]:
    """Return a round's findings in the objective's own direction; there, more was better whatever was measured."""
    if "objective" in data:
        return dict(data)
    plain = {**data, "objective": objective, "higher_is_better": higher_is_better}
    if higher_is_better:
        return plain
    for name in ("best_measured_objective", "optimism"):
        plain[name] = _negated(data.get(name))
    plain["predictions"] = [
        {
            "genes": p["genes"],
            "predicted_objective": _negated(p["predicted_objective"]),
            "predicted_low": _negated(p["predicted_high"]),
            "predicted_high": _negated(p["predicted_low"]),
            "measured_objective": _negated(p["measured_objective"]),
        }
        for p in data.get("predictions", ())
    ]
    return plain


def _negated(value: float | None) -> float | None:
    return None if value is None else -value
