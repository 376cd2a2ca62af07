"""HTML and SVG as a tree, so that no text can become markup and every element is closed."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

from ...text.foreign_text import for_html

Child = Element | str | None


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Element:
    """An element; None among children and attributes is left out.

    `class_` gives the attribute `class`, `aria_label` gives `aria-label`; numbers are rounded to
    hundredths, which no eye can tell apart.
    """
    element = Element(name)
    for attribute, value in attributes.items():
        if value is not None:
            shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            element.set(attribute.rstrip("_").replace("_", "-"), for_html(str(shown)))
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        elif child:
            _append_text(element, for_html(child))
    return element


def table(caption: str, heads: list[str], rows: list[list[Child]]) -> Element:
    """A table whose first column names its rows; a wide one scrolls by itself."""
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption),
            tag("thead", tag("tr", *(tag("th", head, scope="col") for head in heads))),
            tag(
                "tbody",
                *(
                    tag("tr", tag("th", row[0], scope="row"), *(tag("td", c) for c in row[1:]))
                    for row in rows
                ),
            ),
        ),
        class_="wide",
        role="region",
        aria_label=caption,
        tabindex="0",
    )


def html(root: Element) -> str:
    """The document."""
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def _append_text(element: Element, text: str) -> None:
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text
