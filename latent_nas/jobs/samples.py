"""A picture of a few samples of every class, as a network gets them: the int8 values of its input, as an SVG."""

import base64
import io
from html import escape

import numpy as np

from latent_nas.tasks import Task

EACH, CLASSES = 3, 12  # samples of a class, and classes that are drawn
WIDTH, HEIGHT, GAP, LEFT = 200, 84, 10, 150  # of a sample, between two, and of the classes' names
STEPS, CHANNELS = 300, 9  # of a series, beyond which it is thinned out, and channels that are drawn
COLOURS = ("#0072b2", "#c97b00", "#00815e", "#c94f00", "#a5528a", "#5c6670", "#56b4e9", "#b8a000", "#000000")


def picture(task: Task) -> str:
    """Return the SVG of samples of the training part, of an anomaly task also of validation; the same every time.

    Raises:
        ValueError: the task's input is a text.
    """
    if len(task.input_shape) != 3:
        raise ValueError(f"samples of task {task.name!r} are texts; there is no picture of them")
    data = task.data()
    x, y = (np.concatenate([getattr(data.train, name), getattr(data.valid, name)]) for name in ("x", "y"))
    low, high = float(data.train.x.min()), float(data.train.x.max())
    step = max(high - low, 1e-9) / 255
    rows = _rows(task, y)
    parts = []
    for i, (name, picked) in enumerate(rows):
        top = 40 + i * (HEIGHT + GAP)
        parts.append(_text(8, top + HEIGHT / 2, name[:22]))
        for j, row in enumerate(picked):
            values = np.clip(np.round((x[row] - low) / step), 0, 255)  # what int8 can tell apart
            parts.append(f'<g transform="translate({LEFT + j * (WIDTH + GAP)},{top})">{_sample(values)}</g>')
    shape = "x".join(map(str, task.input_shape))
    head = f"{task.name}: input {shape}, {low:.4g} to {high:.4g} in training; one int8 step is {step:.3g}"
    more = len(task.classes or ()) - CLASSES
    head += f"; {more} more classes" if more > 0 else ""
    width, height = LEFT + EACH * (WIDTH + GAP), 40 + len(rows) * (HEIGHT + GAP)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#ffffff"/>'
        f"{_text(8, 22, head)}{''.join(parts)}</svg>\n"
    )


def _rows(task: Task, y: np.ndarray) -> list[tuple[str, list[int]]]:
    """Return the name of every class and rows of it; of numbers the least, the middle and the largest."""
    if y.ndim > 1:
        order = np.argsort(y[:, 0], kind="stable")
        picked = [int(order[i]) for i in sorted({0, len(order) // 2, len(order) - 1})]
        return [("target " + " / ".join(f"{y[i, 0]:.3g}" for i in picked), picked)]
    names = task.classes or tuple(str(i) for i in range(int(y.max()) + 1))
    return [(name, np.flatnonzero(y == i)[:EACH].tolist()) for i, name in enumerate(names[:CLASSES])]


def _sample(values: np.ndarray) -> str:
    """Return a sample (height, width, channels) from 0 to 255: lines of a series, bars of features, an image."""
    height, width, channels = values.shape
    frame = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#c8c8c8"/>'
    if width == 1:
        at = np.unique(np.linspace(0, height - 1, min(height, STEPS)).round().astype(int))
        lines = "".join(_line(values[at, 0, c], COLOURS[c % len(COLOURS)]) for c in range(min(channels, CHANNELS)))
        return frame + lines
    if height == 1:
        each = WIDTH / width
        bars = (
            f'<rect x="{i * each:.1f}" y="{HEIGHT - v * HEIGHT / 255:.1f}" width="{each * 0.8:.1f}"'
            f' height="{v * HEIGHT / 255:.1f}" fill="{COLOURS[0]}"/>'
            for i, v in enumerate(values[0, :, 0].tolist())
        )
        return frame + "".join(bars)
    return _image(values) + frame


def _line(values: np.ndarray, colour: str) -> str:
    across = np.linspace(0, WIDTH, len(values))
    points = " ".join(f"{a:.1f},{HEIGHT - v * HEIGHT / 255:.1f}" for a, v in zip(across, values, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1"/>'


def _image(values: np.ndarray) -> str:
    from PIL import Image

    pixels = values.astype(np.uint8)
    image = Image.fromarray(pixels if values.shape[2] == 3 else pixels[..., 0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<image width="{WIDTH}" height="{HEIGHT}" style="image-rendering:pixelated" preserveAspectRatio="xMinYMid"'
        f' href="data:image/png;base64,{data}"/>'
    )


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x}" y="{y}" fill="#1d2329">{escape(words)}</text>'
