"""What a round shows: how far the predictions were off, and the best network so far."""

from typing import Any

import numpy as np

from latent_nas.judge.scorer import Scorer
from latent_nas.rank_agreement import kendall
from latent_nas.records import Record, objective_of, words


def findings_of(
    scorer: Scorer | None, proposals: list[tuple[int, ...]], records: list[Record], intervals: bool
) -> dict[str, Any]:
    """Return how far the predictions are off, of a scorer that was not yet refitted to these records.

    Args:
        scorer: None where a search has none. intervals: whether to say how well its intervals cover.
    """
    sign = 1.0 if objective_of(records)[1] else -1.0
    measured = np.array([r.measured_objective if r.ok else np.nan for r in records], float)
    good = np.isfinite(measured)
    found: dict[str, Any] = {"trainings": len(records), "failed": int((~good).sum())}
    if not scorer or not scorer.labels or not good.any():
        return found | {"rank_correlation": None, "optimism": None, "coverage": None}
    genes = np.array(proposals)[good]
    predicted, measured = sign * scorer.plausible(scorer.rerank(genes).predicted_accuracy), measured[good]
    tau = kendall(predicted, measured)
    found["rank_correlation"] = None if np.isnan(tau) else tau
    found["optimism"] = float((predicted - measured).mean())
    return found | (_covered(scorer, genes, predicted, measured, sign) if intervals else {"coverage": None})


def _covered(
    scorer: Scorer, genes: np.ndarray, predicted: np.ndarray, measured: np.ndarray, sign: float
) -> dict[str, Any]:
    """Return which share of what was measured (n,) lies in the scorer's intervals, and every prediction.

    Numbers are the objective's own; ``sign`` is -1 where the scorer's are negated. With too few labels there are no
    intervals: None.
    """
    low, high = np.sort(sign * np.array(scorer.interval(genes)), axis=0)
    known = bool(np.isfinite(low).all())
    rows = zip(genes.tolist(), predicted.tolist(), low.tolist(), high.tolist(), measured.tolist(), strict=True)
    return {
        "coverage": float(((low <= measured) & (measured <= high)).mean()) if known else None,
        "predictions": [
            {
                "genes": g,
                "predicted_objective": p,
                "predicted_low": a if known else None,
                "predicted_high": b if known else None,
                "measured_objective": m,
            }
            for g, p, a, b, m in rows
        ],
    }


def best_of(best: list[Record]) -> dict[str, Any]:
    """Return what a round's findings say of the best network so far: the objective's name, direction and value."""
    if not best:
        return {"objective": None, "higher_is_better": None, "best_measured_objective": None}
    first = best[0]
    named = {"objective": first.objective, "higher_is_better": first.higher_is_better}
    return {**named, "best_measured_objective": first.measured_objective}


def line(findings: dict[str, Any], trainings: int) -> str:
    """Return a round's findings as a line for a person."""
    best = findings["best_measured_objective"]
    held = "none succeeded yet" if best is None else f"best {words(findings['objective'])} {best:.4f}"
    text = f"round {findings['round'] + 1}: {trainings} trainings, {held}"
    if findings["optimism"] is not None:
        text += f"; predictions were {findings['optimism']:+.3f} off on average"
    return text
