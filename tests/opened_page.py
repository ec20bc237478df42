"""A report as a reader of its HTML sees it."""

import json
from html.parser import HTMLParser


class Page(HTMLParser):
    """The sections' texts, the charts, the headings, and whether every element is closed."""

    VOID = frozenset({"br", "img", "input", "meta"})

    def __init__(self, text):
        super().__init__()
        self.open, self.section, self.texts, self.charts, self.links = [], "", {}, [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, name, attrs):
        attributes = dict(attrs)
        if name not in self.VOID:
            self.open.append(name)
        if name == "section":
            self.section = attributes["id"]
        self.links += [attributes[k] for k in ("href", "src") if k in attributes]

    def handle_startendtag(self, name, attrs):
        pass

    def handle_endtag(self, name):
        assert self.open.pop() == name
        if name == "section":
            self.section = ""

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            if self.section:
                self.charts.append((self.section, json.loads(data)))
        else:
            self.texts[self.section] = self.texts.get(self.section, "") + data
