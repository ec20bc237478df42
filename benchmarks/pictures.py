"""The pictures of the docs: the summary of a run's report as PNG (needs chromium), its network as SVG.

python benchmarks/pictures.py runs/my_run --out docs/img
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from latent_nas import artifacts, report
from latent_nas.report._drawing import draw
from latent_nas.runs.read import Run

# Outside the report's page the drawing has none of its colours; these are readable on light and dark.
STYLE = """<style>
svg { color-scheme: light dark; --soft: #7b8791; --purple: #a5528a; font: 12.5px system-ui, sans-serif; }
text { fill: #7b8791; } tspan { fill: #3f7fb5; } .box { fill: none; stroke: #9aa4ad; }
.flow { fill: none; stroke: #7b8791; } .skip { fill: none; stroke: #a5528a; stroke-width: 1.5; }
</style>"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/img"))
    options = parser.parse_args()
    run = Run.read(options.run)
    drawing = str(draw(run.graph, run.costs.layers)).replace('width="100%"', 'width="340"', 1)
    opening = drawing.index(">") + 1
    named = drawing[:opening].replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    artifacts.write(options.out / "network.svg", named + STYLE + drawing[opening:] + "\n")
    with tempfile.TemporaryDirectory() as scratch:
        shoot(report.write(options.run, Path(scratch) / "report.html"), options.out / "report.png")


def shoot(page: Path, out: Path) -> None:
    """Write a picture of the page down to the end of its summary."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"], timeout=300_000)
        opened = browser.new_page(viewport={"width": 1120, "height": 900}, color_scheme="light")
        opened.set_default_timeout(300_000)
        opened.goto(page.as_uri(), wait_until="domcontentloaded")
        opened.wait_for_function("document.documentElement.dataset.drawn")
        end = opened.evaluate("document.querySelectorAll('section')[1].getBoundingClientRect().top")
        opened.screenshot(path=out, full_page=True, clip={"x": 0, "y": 0, "width": 1120, "height": end - 20})
        browser.close()


if __name__ == "__main__":
    main()
