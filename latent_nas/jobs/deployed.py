"""What the report of a firmware says: whether it is right, whether it keeps its limits, and all of it for people."""

from typing import Any

from latent_nas.jobs.answers import texts
from latent_nas.jobs.chosen_for import lines as limit_lines
from latent_nas.jobs.on_board import lines as board_lines
from latent_nas.units import with_error


def same(report: dict[str, Any]) -> bool:
    """Return whether all that was emulated, or run on a board, is what the reference gives."""
    exact = report.get("emulated", {}).get("bit_exact", True)
    parts = [report.get(name, {}).get("same_as_reference", True) for name in ("text", "alarms")]
    return bool(exact and all(parts) and report.get("board", {}).get("bit_exact", True))


def keeps_limits(report: dict[str, Any]) -> bool:
    """Return whether a firmware keeps its run's limits, where those were of whole images."""
    return not (report["over_limits"] and report["limits_count_image"])


def summary(report: dict[str, Any], out: object = "OUT") -> str:
    """Return the report in a few lines; ``out``: the folder of the firmware."""
    lines = [
        f"flash {report['flash_bytes']} B, RAM {report['ram_bytes']} B, of which arena {report['arena_bytes']} B"
        f" in {report['arena_region']} ({report['kernels']} kernels, {report['device']})"
    ]
    core = report["core"]
    lines += [f"note: {note}" for note in report.get("notes", [])]
    lines += [f"core {core['name']}: {'; '.join(core['lacks'])}"] if core["lacks"] else []
    lines += [f"to run on {report['device']}: {report['device_lacks']}"] if report["device_lacks"] else []
    lines += [f"computed times: {core['cycles_borrowed']}"] if core["cycles_borrowed"] else []
    lines += limit_lines(report)
    if "emulated" in report:
        e = report["emulated"]
        same = "bit-exact" if e["bit_exact"] else f"NOT bit-exact: {e['equal_outputs']:.2%} of outputs equal"
        agreed, flagged = texts(report)
        raw = " from raw data" if e.get("from_raw") else ""
        lines += [
            f"{e['inputs']} inputs emulated by {e['emulator']}{raw}, {same} with the integer reference{agreed}",
            f"{e['instructions']} instructions an inference, emulated {with_error(e['emulated_ms'])}",
        ]
        if "preprocess_cycles" in e:
            per_ms = e["emulated_cycles"][1] / e["emulated_ms"][1]
            took = with_error([cycles / per_ms for cycles in e["preprocess_cycles"]])
            lines.append(f"before it {e['preprocess_instructions']} instructions of preprocessing, emulated {took}")
        if "frames" in e:
            f = e["frames"]
            took = with_error([cycles * e["emulated_ms"][1] / e["emulated_cycles"][1] for cycles in f["cycles"]])
            lines.append(
                f"a frame of {f['frame']} to the input, {f['method']}: {'' if f['bit_exact'] else 'NOT '}bit-exact on"
                f" {f['inputs']} random ones, {f['instructions']} instructions, emulated {took}, {f['ram_bytes']} B of"
                " RAM beside the arena"
            )
        if "peak_stack_bytes" in e:
            lines.append(
                f"stack {e['peak_stack_bytes']} B at most; arena used up to {e['arena_high_water_bytes']} B of the"
                f" {e['arena_planned_bytes']} B planned"
            )
        lines += flagged
    lines += board_lines(report["board"], out) if "board" in report else []
    if "text" in report:
        t = report["text"]
        equal = "the same as" if t["same_as_reference"] else "NOT the same as"
        lines += [f"{t['characters']} characters emulated, {equal} the reference's (seed {t['seed']}):"]
        lines += [t["prompt"] + t["emulated_text"]]
    return "\n".join(lines)
