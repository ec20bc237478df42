"""The curves of a training as a picture: SVG, one panel per quantity over the epochs."""

from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, PANEL, LEFT, RIGHT, GAP = 640, 160, 70, 16, 34  # pixels


def svg(title: str, panels: Sequence[tuple[str, np.ndarray]], logarithmic: Sequence[str] = ()) -> str:
    """Return a picture of named curves (epochs,); what is not finite is left out, as is a curve without a point."""
    drawn = [(name, values) for name, values in panels if np.isfinite(values).any()]
    height = GAP + len(drawn) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14">{escape(title)}</text>',
    ]
    for i, (name, values) in enumerate(drawn):
        parts += _panel(name, np.asarray(values, float), GAP + i * (PANEL + GAP), name in logarithmic)
    return "\n".join([*parts, "</svg>\n"])


def _panel(name: str, values: np.ndarray, top: int, logarithmic: bool) -> list[str]:
    epochs = np.arange(1, len(values) + 1)
    good = np.isfinite(values) & ((values > 0) | (not logarithmic))
    shown = np.log10(values[good]) if logarithmic else values[good]
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    x = LEFT + (WIDTH - LEFT - RIGHT) * (epochs[good] - 1) / max(len(values) - 1, 1)
    y = top + PANEL * (1 - (shown - low) / (high - low or 1.0))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    ends = [10**v if logarithmic else v for v in (high, low)]
    frame = f'x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{PANEL}"'
    return [
        f'<rect {frame} fill="none" stroke="#ccc"/>',
        f'<text x="{LEFT + 6}" y="{top + 16}">{escape(name)}{" (logarithmic)" if logarithmic else ""}</text>',
        f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{ends[0]:.4g}</text>',
        f'<text x="{LEFT - 6}" y="{top + PANEL}" text-anchor="end">{ends[1]:.4g}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{top + PANEL + 15}" text-anchor="end">epoch {len(values)}</text>',
        f'<polyline points="{points}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>',
        *(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2" fill="#1f5fa8"/>' for a, b in zip(x, y, strict=True)),
    ]
