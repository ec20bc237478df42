"""The page around the sections: style, plotly and script inside, nothing loaded from anywhere."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

from latent_nas.report._html import Html, join, tag

# The browser itself sees to it that nothing is loaded: everything is in the file, and only that may be used.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:;"
    " base-uri 'none'; form-action 'none'"
)


def page(title: str, head: Html, links: Sequence[Html], sections: Sequence[Html]) -> str:
    """Return the whole page."""
    own = files("latent_nas.report") / "page"
    style, script = (own.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    toggle = tag("button", "Theme", id="theme", type="button", title="light, dark, or as the system has it")
    body = join(
        tag("nav", *links, toggle, aria_label="sections"),
        tag("main", tag("header", head), *sections),
        tag("script", Html(plotly())),
        tag("script", Html(script)),
    )
    top = join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(style)),
    )
    return f"<!doctype html>\n{tag('html', tag('head', top), tag('body', body), lang='en')}\n"


@lru_cache(1)
def plotly() -> str:
    """Return plotly.js, which plotly's Python package brings."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
