"""Reading a page back with the standard library's parser."""

from __future__ import annotations

import base64
import csv
import gzip
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input"}


@dataclass
class Element:
    """An element: its name, its attributes, its children, and the text in it."""

    name: str
    attributes: dict[str, str]
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def all(self, name: str, **attributes: str) -> list[Element]:
        """Return the elements below of this name and with these attributes."""
        found = []
        for child in self.children:
            wanted = attributes.items() <= child.attributes.items()
            found += [child] if child.name == name and wanted else []
            found += child.all(name, **attributes)
        return found

    def section(self, name: str) -> Element:
        """Return the part of the page of this name."""
        (found,) = self.all("section", id=name)
        return found

    def csv(self) -> list[dict[str, str]]:
        """Return the exact values that a part of the page holds."""
        (link,) = self.all("a", download=f"{self.attributes['id']}.csv.gz")
        return list(csv.DictReader(io.StringIO(link.held().decode())))

    def held(self) -> bytes:
        """Return the file that a link holds."""
        kind, _, content = self.attributes["href"].partition(",")
        assert kind == "data:application/gzip;base64"
        return gzip.decompress(base64.b64decode(content))


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {key: value or "" for key, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop().name == tag, f"</{tag}> closes another element"

    def handle_data(self, data):
        for element in self.open:
            element.text += data


def parse(page: str) -> Element:
    """Return the page's elements; every one has to be closed."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.open == [parser.root], f"not closed: {parser.open[-1].name}"
    return parser.root
