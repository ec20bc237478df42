"""A pytest plugin for a Python that has no torch: tests that ask for it are counted as left out, all others must pass.

What a test needs is not listed anywhere: it needs torch if it fails for want of it.
"""

import re
from collections.abc import Iterator

import pytest

WANTED = re.compile(
    r"(No module named|could not import) '(torch|stable_baselines3|ray)\b|ray is not installed|module named \"torch\""
)
LEFT_OUT = "left out (need torch)"
modules: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Take a module that can't be imported without torch for an empty one."""
    report = yield
    if not report.passed and WANTED.search(report.longreprtext):
        modules.append(report.nodeid)
        report.outcome, report.longrepr, report.result = "passed", None, []
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Take a test that fails for want of torch for one that was left out."""
    report = yield
    if not report.passed and WANTED.search(report.longreprtext + report.capstderr):
        report.outcome, report.wasxfail = "skipped", LEFT_OUT
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count such a test by itself."""
    if getattr(report, "wasxfail", "") == LEFT_OUT:
        return LEFT_OUT, "", LEFT_OUT.upper()
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the modules that were left out as a whole."""
    if modules:
        terminalreporter.write_line(f"{len(modules)} modules of tests {LEFT_OUT} as a whole: {' '.join(modules)}")
