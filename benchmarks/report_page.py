"""The report of a run of 500 trained networks: how large, how long to build, and does a browser show it?

The records are of the shipped table. With --run a run of your own is opened. Screenshots are for looking at.

    python benchmarks/report_page.py --trainings 500 --shots out
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from latent_nas import report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainings", type=int, default=500)
    parser.add_argument("--run", type=Path, help="a run folder, instead of one made of the table")
    parser.add_argument("--shots", type=Path, help="folder for screenshots at 1280 and 390 px, light and dark")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.run
        if folder is None:
            from run_folder import make

            folder = make(Path(scratch) / "run", options.trainings)
        found = built(folder, Path(scratch) / "report.html")
        found |= shown(Path(scratch) / "report.html", options.shots)
    print(json.dumps(found, indent=1))


def built(folder: Path, place: Path) -> dict[str, Any]:
    """Return size, and wall and processor time of the second build, in one process: a search's own."""
    report.write(folder, place)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    report.write(folder, place)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"bytes": place.stat().st_size, "build_wall_s": round(wall, 2), "build_cpu_s": round(cpu, 2)}


def shown(place: Path, shots: Path | None) -> dict[str, Any]:
    """Return what the browser said, and per width how many charts were drawn and whether the page overflows."""
    from playwright.sync_api import sync_playwright

    found: dict[str, Any] = {"complaints": [], "requests_beside_the_file": 0, "pages": []}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"], timeout=300_000)
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.set_default_timeout(300_000)
                asked: list[str] = []
                page.on("console", lambda message: found["complaints"].append(message.text))
                page.on("pageerror", lambda error: found["complaints"].append(str(error)))
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.goto(place.as_uri(), wait_until="domcontentloaded")
                page.wait_for_function("document.documentElement.dataset.drawn")
                found["requests_beside_the_file"] += len(asked) - 1
                wide = page.evaluate("document.documentElement.scrollWidth")
                charts = page.evaluate("Number(document.documentElement.dataset.drawn)")
                found["pages"].append({"width": width, "scheme": scheme, "charts": charts, "overflows": wide > width})
                if shots:
                    shots.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=shots / f"report-{width}-{scheme}.png", full_page=True)
                page.close()
        browser.close()
    return found


if __name__ == "__main__":
    main()
