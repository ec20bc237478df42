"""The report in a real browser, from a file: the driver is a wheel, the browser (chromium) is the machine's."""

import json

import pytest
from run_folder import NASTY, make

from latent_nas import report

pytestmark = pytest.mark.browser
WAIT_MS = 300_000  # a busy machine of two cores
POINTS = """() => [...document.querySelectorAll('.plot')].map(plot => [
    plot.getAttribute('aria-label'),
    plot.querySelectorAll('path.point, g.point, .heatmaplayer image, path.js-line, .bars path').length,
    plot.getBoundingClientRect().width,
])"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Reports of a finished run, and of one that has hardly begun and says odd things."""
    place = tmp_path_factory.mktemp("runs")
    whole = report.write(make(place / "whole", 24))
    odd = report.write(make(place / "odd", 6, finished=False, reason=NASTY, strategy=NASTY))
    return {"whole": whole, "odd": odd}


def opened(browser, path, width, scheme="light"):
    """A page that has drawn everything, and what the browser had to say: console, errors, requests."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_default_timeout(WAIT_MS)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda asked: said.append(f"request: {asked.url[:80]}"))
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    page.wait_for_function("document.documentElement.dataset.drawn")
    return page, said


@pytest.mark.parametrize(("name", "width"), [("whole", 1280), ("whole", 390), ("odd", 390)])
def test_it_opens_from_a_file_complains_of_nothing_and_fits_the_width(browser, pages, name, width):
    page, said = opened(browser, pages[name], width)
    assert said == [f"request: {pages[name].as_uri()}"[: len(said[0])]]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    charts = page.evaluate(POINTS)
    assert len(charts) >= (16 if name == "whole" else 8)
    for title, points, wide in charts:
        assert points > 0, f"{title!r} is empty"
        assert 250 < wide <= width
    page.context.close()


def test_tables_sort_and_the_theme_follows_the_system_and_the_button(browser, pages):
    page, _ = opened(browser, pages["whole"], 1280, "dark")
    back = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(back)
    page.click("#theme")
    light = page.evaluate(back)
    assert sum(json.loads(light.replace("rgb(", "[").replace(")", "]"))) > 700
    assert sum(json.loads(dark.replace("rgb(", "[").replace(")", "]"))) < 150
    values = "table => [...table.querySelectorAll('tbody tr')].map(row => Number(row.cells[2].dataset.value))"
    tables = page.locator("table.sortable")
    assert tables.count() == 2  # the recall of every class, and the networks
    for i in range(2):
        heading = tables.nth(i).locator("th:nth-child(3)")
        heading.click()
        rising = tables.nth(i).evaluate(values)
        assert rising == sorted(rising)
        heading.click()
        assert tables.nth(i).evaluate(values) == sorted(rising, reverse=True)
    page.context.close()


def test_a_click_on_a_point_or_a_number_shows_that_network(browser, pages):
    page, said = opened(browser, pages["whole"], 1280)
    point = page.locator("#objective-and-cost .plot").first.locator("path.point").nth(40)
    point.scroll_into_view_if_needed()
    point.dispatch_event("mousemove")
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".hoverlayer text")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert "int8 accuracy (%), measured" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    page.locator("table.finals a").first.focus()
    page.keyboard.press("Enter")
    assert dialog.locator("h2").inner_text().startswith("Training ")
    assert len(said) == 1  # the page itself
    page.context.close()


def test_it_prints_as_wide_as_paper_on_white(browser, pages):
    page, _ = opened(browser, pages["whole"], 1280, "dark")
    widths = "[...document.querySelectorAll('.main-svg')].map(s => s.getBoundingClientRect().width)"
    before = page.evaluate(widths)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--back').trim()") == "#fdfdfc"
    assert max(page.evaluate(widths)) <= 700
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    page.wait_for_timeout(1000)  # plotly resizes a moment later; the page lets no string be evaluated meanwhile
    assert page.evaluate(widths) == before
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.context.close()
