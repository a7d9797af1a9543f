"""A Matplotlib figure as SVG inside the page: in its colours, named for those who cannot see it."""

from __future__ import annotations

import io
import re
from typing import Any
from xml.etree import ElementTree

from bench.output.style import FAINT, INK, PAPER

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
COLOURS = {INK: "var(--ink)", FAINT: "var(--faint)", PAPER: "var(--paper)"}


def to_svg(figure: Any, name: str, alt: str) -> str:
    """Return the figure as an `<svg>` element that shares no id with another one of the page.

    Args:
        figure: Matplotlib's.
        name: of the figure, in letters and hyphens; ids begin with it.
        alt: says what the figure shows.
    """
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(buffer.getvalue())
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    for number, element in enumerate(root.iter()):
        _rename(element, name, number)
    for parent in root.iter():
        _shorten(parent)
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    root.attrib.update({"role": "img", "aria-label": alt, "class": "plot"})
    return ElementTree.tostring(root, encoding="unicode")


def _rename(element: ElementTree.Element, name: str, number: int) -> None:
    """Prefix ids and what points to them, put in the page's colours, and add the pointer's text."""
    for key, value in list(element.attrib.items()):
        if key == "id":
            element.set(key, f"{name}-{number if value.startswith('tip:') else value}")
            if value.startswith("tip:"):
                title = ElementTree.Element(f"{{{SVG}}}title")
                title.text = value.removeprefix("tip:")
                element.insert(0, title)
        elif key == f"{{{XLINK}}}href" and value.startswith("#"):
            element.set(key, f"#{name}-{value[1:]}")
        else:
            value = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", value)
            for stand_in, colour in COLOURS.items():
                value = value.replace(stand_in, colour)
            element.set(key, re.sub(r"font-family: [^;]*; ", "", value))


def _shorten(parent: ElementTree.Element) -> None:
    """Say once what all dots of a line share; a page holds thousands of them."""
    dots = [child for child in parent if child.tag == f"{{{SVG}}}use"]
    if not dots or len({dot.get("style") for dot in dots}) != 1:
        return
    parent.set("style", dots[0].get("style", ""))
    for dot in dots:
        dot.attrib.pop("style", None)
        dot.attrib |= {key: f"{float(dot.get(key, 0)):.2f}" for key in ("x", "y")}
