"""What was found, within which limits, what limits most, and what more accuracy would cost: figures, then words."""

from collections.abc import Mapping

from latent_nas.limits import Limits
from latent_nas.records import words
from latent_nas.report import Section
from latent_nas.report._bits import mixed
from latent_nas.report._finals import balanced, finals
from latent_nas.report._html import Html, join, tag
from latent_nas.report._price import price
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale
from latent_nas.runs.schema import FinalNetwork
from latent_nas.units import COSTS, cost, energy, percent, seconds, size, span


class Summary(Section):
    """Tiles, the final networks and four paragraphs."""

    title, place = "Summary", 10

    def show(self, run: Run) -> Html:
        """Return the tiles and the words."""
        if not run.best and not run.networks:
            failed = sum(not r.ok for r in run.records)
            raise ValueError(f"no training has succeeded yet{f', {failed} failed' if failed else ''}")
        used = _used(run)
        ratios = run.limits.ratios(*used.values())
        binds = max(ratios, key=lambda name: ratios[name]) if ratios else None
        tiles = [_accuracy(run), *(_tile(run, name, used[name], ratios.get(name), name == binds) for name in used)]
        said = [_found(run), _within(run, used, ratios), _binding(run, binds, ratios)]
        if binds and run.best and run.scale.share:  # what is not a share has no points
            said.append(price(run.best, binds, getattr(run.limits, binds)))
        return join(tag("div", *tiles, class_="tiles"), finals(run), *(tag("p", w) for w in (*said, mixed(run)) if w))


def _used(run: Run) -> dict[str, float]:
    if run.networks:
        return run.networks[0].counted
    return {name: getattr(run.best[0], name) for name in COSTS}


def _accuracy(run: Run) -> Html:
    name, value, gauge = run.scale.name, "-", None
    if run.networks:
        name, mean, std = _final(run)
        own = run.scale.exported(run.networks[0])
        value, more = (own, f"measured, test; seeds {mean} ± {std}") if own else (mean, f"± {std}, measured, test")
        if run.networks[0].seeds == 1:
            value, more = own or mean, "measured, test, one seed"
        share = run.scale.final(run.networks[0]) if run.scale.share else None
        gauge = share[0] if share else None
    else:
        value = run.scale.number(run.best[0].measured_objective)
        more = f"measured, validation, one seed{run.scale.interval_of(run.best[0])}"
        gauge = run.scale.of_record(run.best[0]) if run.scale.share else None
    return tag(
        "div",
        tag("div", name, class_="what"),
        tag("div", value, class_="value"),
        tag("span", tag("i", style=f"width:{gauge:.1f}%"), class_="gauge") if gauge is not None else "",
        tag("div", more, class_="more"),
        tag("div", run.networks[0].weights, class_="more") if run.networks and run.networks[0].weights else None,
        tag("div", beside, class_="more") if (beside := _beside(run)) else None,
        class_="tile",
    )


def _beside(run: Run) -> str:
    """Return the balanced accuracy of the network that is kept, and what needs no network, where they are known."""
    if not run.networks:
        return ""
    name = run.scale.objective.removeprefix("int8_")
    other, own = "accuracy" if name == "balanced_accuracy" else "balanced_accuracy", balanced(run, run.networks[0])
    if other == "accuracy":
        own = run.networks[0].measured_exported_int8.get("accuracy")
    parts = [] if own is None or not run.scale.share else [f"{words(other)} {percent(own)}"]
    without = run.result.baseline.get("metrics", {}).get(name) if run.result else None
    return "; ".join([*parts, *([] if without is None else [f"{run.scale.number(without)} without a network"])])


def _final(run: Run) -> tuple[str, str, str]:
    """Return what was measured of the first final network: name, mean and std of the objective, else of a metric."""
    first, scale = run.networks[0], run.scale
    final = scale.final(first)
    if final is None:  # a run of release 0.1 did not measure an objective that weighs costs on the test part
        scale = Scale(f"int8_{next(iter(first.measured_int8))}")
        final = scale.final(first) or (float("nan"), 0.0)
    return scale.name, scale.shown(final[0]), scale.shown(final[1])


def _tile(run: Run, name: str, used: float, ratio: float | None, binds: bool) -> Html:
    limit = getattr(run.limits, name)
    what = COSTS[name][0] + (", limits most" if binds else "")
    how = _how(run)
    more = f"{how}, no limit" if ratio is None else f"{percent(ratio, 0)} of {cost(name, limit)}, {how}"
    return tag(
        "div",
        tag("div", what, class_="what"),
        tag("div", cost(name, used), class_="value"),
        tag(
            "span",
            tag("i", style=f"width:{min(100, 100 * (ratio or 0)):.1f}%"),
            class_="gauge binds" if binds else "gauge",
        ),
        tag("div", more, class_="more"),
        class_="tile",
    )


def _found(run: Run) -> Html:
    target = run.target
    spent = f"{len(run.records)} true trainings" + (f" and {len(run.short)} short ones" if run.short else "")
    failed = sum(not r.ok for r in run.records)
    if failed:
        spent += f" ({failed} failed)"
    by = f" by {run.config['strategy']}" if run.config.get("strategy") else ""
    if begun := run.config.get("warm_start"):
        by += f", which began from {begun if isinstance(begun, str) else ' and '.join(begun)}"
    if not run.networks:
        best = run.best[0]
        return join(
            tag("strong", "Found so far: "),
            f"after {spent}{by}, the best network of {target['space']} has {run.scale.number(best.measured_objective)}"
            f" {run.scale.name} on the validation part{run.scale.interval_of(best)}"
            f" ({_float(run, best.measured_float)}one seed).",
        )
    first, many = run.networks[0], run.networks[0].seeds
    spread = f"mean ± standard deviation of {many} seeds" if many > 1 else "one seed"
    wall_s = run.result.wall_s if run.result else None
    took = f", in {seconds(wall_s)} with the final trainings" if wall_s else ""
    name, mean, std = _final(run)
    own = run.scale.exported(first)
    seeds = f"({_float(run, first.measured_float)}{spread})"
    measured = f"{mean} ± {std} {name} on the test part {seeds}"
    if many == 1:
        measured = f"{own or mean} {name} on the test part{run.scale.interval(first) if own else ''} {seeds}"
    elif own is not None:
        measured = f"{own} {name} on the test part{run.scale.interval(first)}, {mean} ± {std} {seeds}"
    wide = f" of {first.weights}" if first.weights else ""
    text = (
        f"a network of {target['space']}{wide} with {measured},"
        f" {first.parameters:,} parameters and {first.macs:,} MACs,"
        f" after {spent}{by}{took}."
    )
    return join(tag("strong", "Found: "), text, _baseline(run))


def _baseline(run: Run) -> str:
    """Return what can be reached without a network, where the run says it."""
    text = str(run.result.baseline.get("text", "")) if run.result else ""
    return f" {text[0].upper()}{text[1:]}, validation part." if text else ""


def _float(run: Run, measured: Mapping[str, float]) -> str:
    """Return the float network's metric, where what was optimised is the int8 network's."""
    value = measured.get(run.scale.objective.removeprefix("int8_"))
    return "" if value is None else f"float {run.scale.number(value)}, "


def _within(run: Run, used: dict[str, float], ratios: dict[str, float]) -> Html:
    parts = []
    for name, value in used.items():
        limit = getattr(run.limits, name)
        text = f"{cost(name, value)} {COSTS[name][0]}"
        parts.append(
            text + (f" of {cost(name, limit)} ({percent(ratios[name], 0)})" if name in ratios else " (no limit)")
        )
    where = f" on {run.target['device']} with {run.target['runtime']}" if run.target["device"] else ""
    first = run.networks[0] if run.networks else None
    fits = all(ratio <= 1 for ratio in ratios.values()) and (first is None or first.fits is not False)
    more = (
        []
        if first is None
        else [_unproven(first), verdicts(first, run.limits), _range(first), _off(first), _energy(first)]
    )
    said = " ".join([f"{', '.join(parts)}{where}, {_how(run)}.", *(text for text in more if text)])
    return join(tag("strong", "Within: " if fits else "Does not fit: "), said)


def _how(run: Run) -> str:
    """Return whether the costs that are shown were emulated or computed."""
    return run.networks[0].counted_how if run.networks else "computed"


def _unproven(network: FinalNetwork) -> str:
    """Return what kept a network's firmware from proving that it fits, "" where it did or was not tried."""
    proof = network.firmware or {}
    if proof.get("unchecked"):
        return f"Whether that holds is not known, its firmware could not be checked: {proof['unchecked']}."
    return f"Its firmware was refused: {proof['refused']}." if proof.get("refused") else ""


def verdicts(network: FinalNetwork, limits: Limits) -> str:
    """Return which limits a network exceeds as emulated or as computed, in words; "" where it keeps all."""
    if not network.emulated_limited:
        return above(network.emulated_above_bytes)
    parts = []
    for name, took in network.emulated_limited.items():
        limit, computed = getattr(limits, name), network.limited[name]
        if limit is None or max(took, computed) <= limit:
            continue
        word, bound = COSTS[name].word, cost(name, limit)
        (over, value), (other, less) = sorted((("emulated", took), ("computed", computed)), key=lambda pair: -pair[1])
        also = "as well" if less > limit else "not"
        parts.append(
            f"The {over} {word}, {cost(name, value)}, is above the limit of {bound};"
            f" the {other} one, {cost(name, less)}, is {also}."
        )
    return " ".join(parts)


def _off(network: FinalNetwork) -> str:
    """Return how far the time that is shown may be off and why, in words."""
    if network.emulated_limited and network.firmware:
        low, high = network.firmware["emulated_ms"]
        return f"The time may be off by {(high - low) / 2:.2f} ms: counted instructions, cycles fitted to boards."
    error = network.latency_error_ms
    return f"The time may be off by {error:.2f} ms: it is computed from cycles fitted to boards." if error else ""


def _energy(network: FinalNetwork) -> str:
    """Return the energy of an inference in words, "" where nobody knows the device's power."""
    if network.energy_uj is None or network.energy_error_uj is None:
        return ""
    return f"An inference takes {energy(network.energy_uj)} (± {energy(network.energy_error_uj)}) of energy, computed."


def _range(network: FinalNetwork) -> str:
    """Return what is known of a network's RAM where it is not known to the byte, in words."""
    low, high = network.ram_low_bytes, network.ram_high_bytes
    if low is None or high is None or low == high or network.emulated_limited:
        return ""
    return f"RAM is {span(low, high)}, {size(network.arena[1])} most likely; the upper end is what counts."


def above(excess: Mapping[str, int]) -> str:
    """Return by how many bytes a whole firmware is above limits of flash or RAM, in words; "" where it keeps them."""
    if not excess:
        return ""
    parts = " and ".join(f"{cost(name, bytes_)} above the limit of {COSTS[name][0]}" for name, bytes_ in excess.items())
    return f"With code and stack, which limits count with --runtime native, the firmware is {parts}."


def _binding(run: Run, binds: str | None, ratios: dict[str, float]) -> Html | None:
    if binds is None:
        return None
    text = f"{COSTS[binds][0]}: {percent(ratios[binds], 0)} of the limit is used"
    try:
        found = run.costs.binding(run.limits)
    except ValueError:  # no graph to name a layer of; the section that draws it says why
        found = None
    if found and found.name == binds:
        text += f", most of it at layer {found.layer.node} ({found.layer.kernel})"
    rest = [f"{COSTS[n][0]} {percent(1 - r, 0)}" for n, r in ratios.items() if n != binds]
    return join(tag("strong", "What limits most: "), f"{text}. Left over: {', '.join(rest)}." if rest else f"{text}.")


Plugin = Summary
