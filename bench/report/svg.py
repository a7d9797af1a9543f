"""A Matplotlib figure as SVG inside the page: in its colours, named for those who cannot see it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from bench.figures import FAINT, INK, PAPER

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
COLOURS = {INK: "var(--ink)", FAINT: "var(--faint)", PAPER: "var(--paper)"}


def to_svg(figure: Any, name: str, alt: str) -> str:
    """Return Matplotlib's figure as an `<svg>` whose ids all begin with its name."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    ElementTree.register_namespace("", SVG)
    root = ElementTree.fromstring(buffer.getvalue())
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    values = [value for each in root.iter() for value in each.attrib.values()]
    wanted = re.findall(r"(?:^|url\()#([\w-]+)(?:$|\))", "\n".join(values), re.MULTILINE)
    ids = {each: f"{name}_{number}" for number, each in enumerate(dict.fromkeys(wanted))}
    for element in list(root.iter()):
        _rename(element, ids)
    for parent in root.iter():
        _shorten(parent)
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    root.attrib.update({"role": "img", "aria-label": alt, "class": "plot"})
    return ElementTree.tostring(root, encoding="unicode")


def _rename(element: ElementTree.Element, ids: Mapping[str, str]) -> None:
    """Keep ids that are pointed to, put in the page's colours, and add the pointer's text."""
    for key, value in list(element.attrib.items()):
        if key == "id":
            del element.attrib[key]
            if value in ids:
                element.set(key, ids[value])
            if value.startswith("tip:"):
                title = ElementTree.Element(f"{{{SVG}}}title")
                title.text = value.removeprefix("tip:")
                element.insert(0, title)
        elif key == f"{{{XLINK}}}href" and value.startswith("#"):
            del element.attrib[key]
            element.set("href", f"#{ids[value[1:]]}")
        elif key == "d":
            element.set(key, " ".join(re.sub(r"(\.\d\d)\d+", r"\1", value).split()))
        else:
            value = re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{ids[found[1]]})", value)
            for stand_in, colour in COLOURS.items():
                value = value.replace(stand_in, colour)
            element.set(key, re.sub(r"font-family: [^;]*; ", "", value))


def _shorten(parent: ElementTree.Element) -> None:
    """Say once what all dots of a line share, and that shortly; a page holds thousands of them."""
    for child in parent:
        child.tail = (child.tail or "").strip() or None
    dots = [child for child in parent if child.tag == f"{{{SVG}}}use"]
    if not dots or len({dot.get("style") for dot in dots}) != 1:
        return
    parent.set("style", dots[0].get("style", ""))
    for dot in dots:
        dot.attrib.pop("style", None)
        dot.attrib |= {key: f"{float(dot.get(key, 0)):.1f}" for key in ("x", "y")}
