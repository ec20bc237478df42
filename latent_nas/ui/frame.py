"""The frame around every page: navigation, the report's style and script, and nothing from elsewhere."""

from latent_nas.report._html import Html, join, tag

NOSCRIPT = (
    "Without JavaScript the tables can be read; charts, live figures, searches and builds need it. Reload to see what"
    " is new."
)


def page(
    base: str, title: str, live: Html, topic: str = "", seen: str = "", charts: bool = False, network: str = ""
) -> str:
    """Return a whole page.

    Args:
        base: path that every page begins with. live: what is replaced as ``topic`` changes. topic: of the events that
            the page follows, "" for none. seen: its state when the page was made. charts: whether it has any.
        network: where a training's page is, before its number.
    """
    links = [tag("a", text, href=f"{base}/{place}") for text, place in (("Runs", ""), ("New search", "new"))]
    toggle = tag("button", "Theme", id="theme", type="button", title="light, dark, or as the system has it")
    skip = tag("a", "Skip to content", href="#content", class_="skip-link")
    follows = {"data_base": base, "data_topic": topic or None, "data_seen": seen, "data_network": network or None}
    body = join(
        skip,
        tag("nav", *links, toggle, aria_label="pages"),
        tag(
            "main",
            tag("noscript", tag("aside", tag("p", NOSCRIPT))),
            tag("div", live, id="live"),
            tag("p", "", id="said", role="status", aria_live="polite"),
            id="content",
        ),
    )
    top = join(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · latent_nas"),
        *(tag("link", rel="stylesheet", href=f"{base}/static/{name}") for name in ("page.css", "ui.css")),
        tag("link", rel="icon", href="data:,"),
        *(
            tag("script", src=f"{base}/static/{name}", defer=True)
            for name in (*(["plotly.js"] if charts else []), "page.js", "ui.js")
        ),
    )
    return f"<!doctype html>\n{tag('html', tag('head', top), tag('body', body, **follows), lang='en')}\n"


def refusal(line: str) -> str:
    """Return a page that says one line."""
    top = join(tag("meta", charset="utf-8"), tag("title", "latent_nas"))
    return f"<!doctype html>\n{tag('html', tag('head', top), tag('body', tag('p', line)), lang='en')}\n"
