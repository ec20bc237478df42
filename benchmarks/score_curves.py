"""Draw the curves of a file of ``latent-nas bench``: the best found so far, mean over seeds, with one standard error.

python benchmarks/score_curves.py bench.json curves.svg
"""

import argparse
import json
from pathlib import Path

import numpy as np

from latent_nas import artifacts

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 60, 20, 36, 45
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")


def main() -> None:
    """Write the picture as SVG."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    result = json.loads(arguments.bench.read_text(encoding="utf-8"))
    curves = {}
    for name in result["config"]["strategies"]:
        runs = np.array([r["incumbents"] for r in result["runs"] if r["strategy"] == name])
        curves[name] = runs.mean(axis=0), runs.std(axis=0, ddof=min(len(runs) - 1, 1)) / np.sqrt(len(runs))
    low = min(float((mean - error)[2:].min()) for mean, error in curves.values())
    high = max(float((mean + error)[2:].max()) for mean, error in curves.values())
    optimum, last = result["table"]["optimum"], max(len(mean) for mean, _ in curves.values())
    low, high = min(low, optimum), max(high, optimum)

    def place(training: float, value: float) -> str:
        x = LEFT + (training - 1) / max(last - 1, 1) * (WIDTH - LEFT - RIGHT)
        y = TOP + (high - min(max(value, low), high)) / max(high - low, 1e-12) * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for value in ticks(low, high):
        x, y = place(1, value).split(",")
        parts.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{float(y) + 4}" text-anchor="end">{value:g}</text>')
    for training in sorted({1, *range(5, last + 1, 5)}):
        x = place(training, low).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{training}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">trainings</text>')
    title = f"{result['config']['objective'].removeprefix('metric.').replace('_', ' ')}, best so far: mean of seeds"
    parts.append(f'<text x="{LEFT}" y="20">{title}, one standard error; dashed: the table\'s optimum</text>')
    parts.append(f'<polyline points="{place(1, optimum)} {place(last, optimum)}" stroke="#888" stroke-dasharray="4"/>')
    minimised = result["config"]["minimise"]
    legend = TOP + 16 if minimised else HEIGHT - BOTTOM - 16 * len(curves)
    for i, (name, (mean, error)) in enumerate(curves.items()):
        colour, count = COLOURS[i % len(COLOURS)], np.arange(1, len(mean) + 1)
        upper = [place(t, v) for t, v in zip(count.tolist(), mean + error, strict=True)]
        lower = [place(t, v) for t, v in zip(count.tolist(), mean - error, strict=True)]
        line = [place(t, v) for t, v in zip(count.tolist(), mean, strict=True)]
        parts.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{colour}" opacity="0.15"/>')
        parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{WIDTH - RIGHT - 110}" y="{legend + 16 * i}" fill="{colour}">{name}</text>')
    font = 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {font}>'
    artifacts.write(arguments.out, head + "\n" + "\n".join(parts) + "\n</svg>\n")


def ticks(low: float, high: float) -> np.ndarray:
    """Return some six round numbers within two bounds."""
    rough = max(high - low, 1e-9) / 6
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough)
    return np.round(np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step, 10)


if __name__ == "__main__":
    main()
