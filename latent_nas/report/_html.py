"""HTML and SVG made of nested elements: whatever is not already ``Html`` is escaped."""

from html import escape

VOID = {"br", "circle", "img", "input", "line", "link", "meta", "path", "rect"}


class Html(str):
    """Text that is markup already."""


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element with escaped children and attributes; None and False among either are left out.

    ``_`` in an attribute's name stands for ``-``, and one at its end for nothing: ``class_="wide"``.
    """
    pairs = [(k.rstrip("_").replace("_", "-"), v) for k, v in attributes.items() if v is not None and v is not False]
    texts = "".join(f" {k}" if v is True else f' {k}="{escape(str(v))}"' for k, v in pairs)
    if name in VOID:
        return Html(f"<{name}{texts}>" if name in {"br", "img", "input", "link", "meta"} else f"<{name}{texts}/>")
    return Html(f"<{name}{texts}>{join(*children)}</{name}>")


def join(*children: object) -> Html:
    """Return children one after another, each escaped unless it is ``Html``; None and False are left out."""
    held = [c for c in children if c is not None and c is not False]
    return Html("".join(c if isinstance(c, Html) else escape(str(c)) for c in held))


def table(head: list[object], rows: list[list[object]], **attributes: object) -> Html:
    """Return a table in a box of its own that scrolls sideways; numbers stand to the right."""
    cells = (tag("tr", *(tag("td", c, class_="n" if _number(c) else None) for c in row)) for row in rows)
    below = rows[0] if rows else [""] * len(head)
    titles = (tag("th", h, class_="n" if _number(c) else None) for h, c in zip(head, below, strict=True))
    return tag(
        "div", tag("table", tag("thead", tag("tr", *titles)), tag("tbody", *cells), **attributes), class_="scroll"
    )


def _number(cell: object) -> bool:
    return str(cell)[:1].isdigit() or str(cell)[:2] in {f"{sign}{d}" for sign in "+-−" for d in range(10)}
