"""What `latent-nas deploy` has found: sizes, bit-exactness, instructions, and what boards did."""

from latent_nas.report import Section
from latent_nas.report import _chart as c
from latent_nas.report._html import Html, join, table, tag
from latent_nas.runs.read import Run
from latent_nas.runs.schema import Firmware as Build
from latent_nas.units import SPACE, count, significant, size, with_error

BOARD = ("network", "device", "answered by", "bit-exact", "self test", "cycles", "clock", "time", "stack")


class Firmware(Section):
    """A table of all firmware of the run, and the instructions of the last by operator."""

    title, place = "Firmware", 40

    def show(self, run: Run) -> Html:
        """Return the table and the chart."""
        if not run.firmware:
            command = f"latent-nas deploy {run.path} --device {run.target['device'] or 'NAME'} --out firmware --emulate"
            raise ValueError(f"no firmware has been made of this run; `{command}` makes it")
        words = (
            "Compiled and, where it says so, run on the emulated device against the integer reference. Instructions are"
            " counted; milliseconds are a range and emulated, not measured."
        )
        head: list[object] = [
            "network",
            "device",
            "kernels",
            "flash",
            "RAM",
            "arena",
            "stack",
            "bit-exact",
            "instructions",
            "emulated",
        ]
        body = join(tag("p", words), table(head, [_row(built) for built in run.firmware]))
        asked = [built for built in run.firmware if built.board]
        if asked:
            boards = "On boards: compared with the integer reference; figures are measured where a chip answered."
            body = join(body, tag("p", boards), table([*BOARD], [_on_board(built) for built in asked]))
        counted = [built for built in run.firmware if built.emulated]
        return join(body, tag("div", _chart(counted[-1]), class_="charts two")) if counted else body


def _row(built: Build) -> list[object]:
    first = [built.rank or "-", built.device, built.kernels]
    sizes = [size(byte) for byte in (built.flash_bytes, built.ram_bytes, built.arena_bytes)]
    seen = built.emulated
    if not seen:
        return [*first, *sizes, "-", "not run", "-", "-"]
    exact = f"yes, {seen.inputs} inputs" if seen.bit_exact else "NO"
    return [
        *first,
        *sizes,
        size(seen.peak_stack_bytes),
        exact,
        count(seen.instructions),
        with_error(seen.emulated_ms, "±"),
    ]


def _on_board(built: Build) -> list[object]:
    said = built.board
    assert said is not None
    exact = f"yes, {said.inputs} inputs" if said.bit_exact else "NO"
    test = {None: "-", 0: "right"}.get(said.self_test_wrong, f"{said.self_test_wrong} outputs WRONG")
    figures: list[object] = ["-", "-", "-"]
    if said.measured_ms and said.measured_cycles and said.measured_clock_hz:
        clock = f"{said.measured_clock_hz / 1e6:.4g}{SPACE}MHz"
        figures = [count(said.measured_cycles[1]), clock, f"{significant(said.measured_ms[1])}{SPACE}ms"]
    return [built.rank or "-", built.device, said.answered_by, exact, test, *figures, size(said.measured_stack_bytes)]


def _chart(built: Build) -> Html:
    assert built.emulated is not None
    pairs = list(built.emulated.instructions_by_operator.items())
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [name for name, _ in pairs],
        "x": [value for _, value in pairs],
        "marker": {"color": c.BLUE},
        "hoverinfo": "x+y",
    }
    axis = {"title": {"text": ""}, "type": "category", "autorange": "reversed"}
    title = f"Instructions by operator, {built.device}, {built.kernels} kernels"
    return c.chart(title, [trace], "instructions of one inference", axis, height=max(220, 26 * len(pairs) + 70))


Plugin = Firmware
