"""`latent-nas ui` in a real browser, as a user starts it: chromium of the machine, the command in its own process."""

import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
from pages import images
from run_folder import NASTY, make
from test_ui import HELD

from latent_nas import lock
from latent_nas.runs import files
from latent_nas.store import Store

pytestmark = pytest.mark.browser
WAIT_MS = 300_000  # a busy machine of two cores
READY, DRAWN = "html[data-ready][data-drawn]", "html[data-drawn]"  # a policy without eval allows no functions here
FOLLOWS = "body[data-follows]"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with data, and runs: a large one, a small one, one of an odd name, and one that is not finished."""
    folder = tmp_path_factory.mktemp("ui")
    images(folder / "parts", 12)
    make(folder / "runs" / "many", 500)
    make(folder / "runs" / "few", 12)
    make(folder / "runs" / NASTY.replace("/", ""), 4, finished=False)
    make(folder / "runs" / "open", 8, finished=False)
    (folder / "runs" / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def address(place):
    """The address that the command prints; it ends as by Ctrl-C."""
    command = [sys.executable, "-m", "latent_nas", "ui", "runs", "--no-open", "--port", "0"]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # which a job in a shell's background would ignore
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, text=True, preexec_fn=heard) as process:
        try:
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()


def opened(browser, address, path="", width=1280, **context):
    """A page that follows its topic, and what the browser had to say: console, errors, requests elsewhere."""
    held = browser.new_context(viewport={"width": width, "height": 900}, **context)
    held.set_default_timeout(WAIT_MS)
    page, said = held.new_page(), []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith((address, "data:")) else None)
    page.goto(address + path, wait_until="domcontentloaded")
    page.wait_for_selector(READY)
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_complain_of_nothing_ask_nobody_else_and_fit_the_width(browser, address, width, scheme):
    page, said = opened(browser, address, width=width, color_scheme=scheme)
    for path in ("", "new", "run/many/", "run/many/network/500", "compare?run=many&run=few", "run/few/report"):
        page.goto(address + path, wait_until="domcontentloaded")
        page.wait_for_selector(DRAWN)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert said == []
    page.context.close()


def test_without_a_script_the_tables_are_read(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("table.runs a").count() == 4
    page.click("text=few")
    assert page.locator("table.finals tbody tr").count() == 3
    assert page.locator("#networks tbody tr").count() == 12
    assert "Without JavaScript the tables can be read" in page.inner_text("main")
    context.close()


def test_by_keyboard_from_the_runs_to_a_network(browser, address):
    page, said = opened(browser, address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "few":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/run/few/")
    page.wait_for_selector(READY)
    page.focus("#networks th:nth-child(3)")
    page.keyboard.press("Enter")
    values = page.evaluate("[...document.querySelectorAll('#networks tbody tr')].map(r => +r.cells[2].dataset.value)")
    assert values == sorted(values)
    page.focus("#networks tbody tr:first-child a")
    number = page.inner_text("#networks tbody tr:first-child a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/run/few/network/{number}")
    assert page.inner_text("h1") == f"Training {number}"
    assert said == []
    page.context.close()


def test_filters_leave_what_keeps_them_and_a_point_opens_its_network(browser, address):
    page, said = opened(browser, address, "run/many/")
    page.fill("#most-0", "12")
    page.fill("#least", "90")
    rows = page.locator("#networks tbody tr:visible")
    many = rows.count()
    assert 0 < many < 500
    assert page.inner_text("#filtered") == f"{many} of 500 networks"
    cells = rows.evaluate_all("rows => rows.map(row => [row.cells[2], row.cells[5]].map(c => +c.dataset.value))")
    assert all(accuracy >= 90 and flash <= 12 for accuracy, flash in cells)
    page.locator("#objective-and-cost .plot").first.scroll_into_view_if_needed()
    page.wait_for_selector("#objective-and-cost .plot.js-plotly-plot path.point")
    page.evaluate("""document.querySelector('#objective-and-cost .plot').emit('plotly_click', {points: [
        {data: {meta: 'training'}, customdata: 7}]})""")
    page.wait_for_url("**/run/many/network/7")
    assert said == []
    page.context.close()


def test_a_training_appears_and_what_is_typed_stays(browser, address, place):
    page, said = opened(browser, address, "run/open/")
    page.wait_for_selector(FOLLOWS)
    page.fill("#most-1", "9")
    page.focus("#most-1")
    store = Store(place / "runs" / "open" / files.STORE)
    record = store.records()[0]
    store.add(replace(record, genes=(*record.genes[:-1], record.genes[-1] + 1), seed=99, round=9))
    store.close()
    page.wait_for_selector("#networks tbody tr >> nth=8")
    assert page.input_value("#most-1") == "9"
    assert page.evaluate("document.activeElement.id") == "most-1"
    assert said == []
    page.context.close()


def test_a_run_that_dies_is_shown_as_ended(browser, address, place):
    page, said = opened(browser, address, "run/open/")
    page.wait_for_selector(FOLLOWS)
    run = place / "runs" / "open"
    command = [sys.executable, "-c", HELD, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        page.wait_for_selector(".state.running")
        other.kill()
    page.wait_for_selector(".state.stopped")
    page.wait_for_selector("button:has-text('Continue')")  # the word comes at once, the page's new parts after it
    assert said == []
    page.context.close()


def test_from_own_pictures_to_firmware(browser, address, place):
    page, said = opened(browser, address, "new")
    page.fill("[name=task]", "pictures/")
    page.click("text=Search >> nth=-1")
    page.wait_for_selector("[role=alert]:not(:empty)")
    assert "pictures" in page.inner_text("[role=alert]")  # the command's own line
    assert page.input_value("[name=task]") == "pictures/"
    page.fill("[name=task]", "parts/")
    page.click("summary")
    small = {"name": "mine", "trainings": "2", "child_epochs": "1", "final_seeds": "1", "top": "1", "workers": "1"}
    for name, value in {**small, "input": "16x16x1"}.items():
        page.fill(f"[name={name}]", value)
    page.select_option("[name=strategy]", "random")
    page.click("text=Search >> nth=-1")
    page.wait_for_url("**/run/mine/")
    page.wait_for_selector(".state.finished")
    page.wait_for_selector("h1:text-is('parts on stm32f405')")
    page.select_option("#build-device", "rp2040")
    page.click("#build button")
    page.wait_for_url("**/job/*")
    page.wait_for_selector(".result")
    firmware = page.inner_text(".result code")
    assert firmware == str(place / "runs" / "firmware" / "mine-1-rp2040-demo" / "firmware.uf2")
    assert (place / "runs" / "firmware" / "mine-1-rp2040-demo" / "firmware.uf2").stat().st_size > 1000
    assert said == []
    page.context.close()


def test_stop_is_ctrl_c_and_the_run_goes_on_from_there(browser, address, place):
    page, said = opened(browser, address, "new")
    page.fill("[name=task]", "digits")
    page.fill("[name=name]", "long")
    page.fill("[name=trainings]", "4000")
    page.click("summary")
    page.select_option("[name=strategy]", "random")
    page.fill("[name=child_epochs]", "1")
    page.click("text=Search >> nth=-1")
    page.wait_for_url("**/run/long/")
    page.wait_for_selector("#networks")  # the first training
    assert lock.holder(place / "runs" / "long" / files.LOCK)
    page.click("button:has-text('Stop')")
    page.wait_for_selector(".state.stopped")
    assert lock.holder(place / "runs" / "long" / files.LOCK) is None
    page.goto(f"{address}")
    page.wait_for_selector("text=long")
    page.goto(f"{address}run/long/")
    page.click("button:has-text('Continue')")
    page.wait_for_selector(".state.running")
    page.click("button:has-text('Stop')")
    page.wait_for_selector(".state.stopped")
    assert said == []
    page.context.close()
