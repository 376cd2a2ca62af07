"""Line plots as inline SVG: drawn for a phone's width, coloured by the page, read aloud by a title.

Own lines, because none of the chart libraries that write SVG without a browser fits: pygal's
charts bring a script from the network and one fixed set of colours, leather's have neither titles
nor colours that follow the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

from ..results import Figure
from .scales import Scale, scale

_WIDTH, _HEIGHT = 360.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, _WIDTH - 14.0, 10.0, _HEIGHT - 40.0

STYLES = 6
"""How many lines differ in colour, dashes and marks; further ones begin again."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot: its name, its points, and its style, counted from 0."""

    name: str
    points: Sequence[tuple[float, float]]
    style: int = 0


@dataclass(frozen=True, slots=True)
class Level:
    """A value to compare with, drawn across the plot; `kind` is `first` or `oracle`."""

    name: str
    value: float
    kind: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing with its caption, and a legend of names, each with a sample of its line."""

    title: str
    legend: Sequence[tuple[str, Markup]]
    drawing: Markup


def line_plot(
    title: str,
    x_name: str,
    y_name: str,
    lines: Sequence[Line],
    *,
    levels: Sequence[Level] = (),
    from_zero: bool = False,
    chosen: Sequence[float] = (),
) -> Plot:
    """A plot with its caption and legend.

    Args:
        title: the caption.
        x_name: what stands below the horizontal axis.
        y_name: what is read from the plot, for the caption of each point.
        lines: at least one, each with at least one point.
        levels: values to compare with.
        from_zero: the vertical axis begins at 0.
        chosen: places on the horizontal axis to mark.
    """
    points = [point for line in lines for point in line.points]
    heights = [y for _, y in points] + [level.value for level in levels] + [0.0] * from_zero
    xs = scale([x for x, _ in points], _LEFT, _RIGHT, ticks=6, tight=True)
    ys = scale(heights, _BOTTOM, _TOP)
    drawing = _svg(
        f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        tag("title", f"{title}: {_said(lines, levels)}"),
        *_grid(xs, ys, x_name),
        *(_down("chosen", xs(x), _TOP, _BOTTOM) for x in chosen if xs.low <= x <= xs.high),
        *(_across(f"level {level.kind}", ys(level.value)) for level in levels),
        *(_line(line, xs, ys, x_name, y_name) for line in lines),
        role="img",
    )
    return Plot(title, _legend(lines, levels), drawing)


def interval_plot(figure: Figure) -> Markup:
    """A gain with its 95 % interval, and where zero is."""
    xs = scale((0.0, figure.low, figure.high, figure.gain), 14.0, 154.0, ticks=3)
    title = f"Gain {figure.gain:+.3f}, 95 % interval {figure.low:+.3f} to {figure.high:+.3f}"
    return _svg(
        "0 0 168 48",
        tag("title", title),
        _across("axis", 24, xs.start, xs.end),
        _down("zero", xs(0), 2, 30),
        *(_text(text, xs(value), 42) for value, text in xs.ticks),
        _across("interval", 14, xs(figure.low), xs(figure.high)),
        tag("circle", class_="gain", cx=xs(figure.gain), cy="14", r="5"),
        role="img",
        class_="interval-plot",
    )


def _grid(xs: Scale, ys: Scale, x_name: str) -> list[Element]:
    parts: list[Element] = []
    for value, text in ys.ticks:
        parts += _across("grid", ys(value)), _text(text, _LEFT - 6, ys(value) + 4, "end")
    parts.append(_across("axis", _BOTTOM))
    for value, text in xs.ticks:
        x = xs(value)
        parts += _down("axis", x, _BOTTOM, _BOTTOM + 4), _text(text, x, _BOTTOM + 17)
    return [*parts, _text(x_name, (_LEFT + _RIGHT) / 2, _HEIGHT - 6)]


def _text(text: str, x: float, y: float, anchor: str = "middle") -> Element:
    return tag("text", text, x=x, y=y, text_anchor=anchor)


def _across(class_: str, y: float, start: float = _LEFT, end: float = _RIGHT) -> Element:
    return tag("line", class_=class_, x1=start, x2=end, y1=y, y2=y)


def _down(class_: str, x: float, start: float, end: float) -> Element:
    return tag("line", class_=class_, x1=x, x2=x, y1=start, y2=end)


def _line(line: Line, xs: Scale, ys: Scale, x_name: str, y_name: str) -> Element:
    places = [(xs(x), ys(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    # So many marks that they would touch are left out, but for what is read on pointing at them.
    class_ = f"mark{' hidden' if len(places) > 15 else ''}"
    marks = (
        tag(
            "g",
            tag("title", f"{line.name}: {x_name} {x:g}, {y_name} {y:.4g}"),
            _mark(line.style, *place),
            class_=class_,
        )
        for (x, y), place in zip(line.points, places, strict=True)
    )
    return tag(
        "g", tag("polyline", points=path), *marks, class_=f"line style-{line.style % STYLES}"
    )


def _mark(style: int, x: float, y: float) -> Element:
    """Circle, square or diamond."""
    if style % 3 == 0:
        return tag("circle", cx=x, cy=y, r="3.5")
    turn = f"rotate(45 {x:.2f} {y:.2f})" if style % 3 == 2 else None
    return tag("rect", x=x - 3, y=y - 3, width="6", height="6", transform=turn)


def _legend(lines: Sequence[Line], levels: Sequence[Level]) -> list[tuple[str, Markup]]:
    samples = [
        tag(
            "g",
            tag("polyline", points="1,6 29,6"),
            tag("g", _mark(line.style, 15.0, 6.0), class_="mark"),
            class_=f"line style-{line.style % STYLES}",
        )
        for line in lines
    ]
    samples += [_across(f"level {level.kind}", 6, 1, 29) for level in levels]
    names = [line.name for line in lines] + [level.name for level in levels]
    drawn = [_svg("0 0 30 12", sample, aria_hidden="true") for sample in samples]
    return list(zip(names, drawn, strict=True))


def _said(lines: Sequence[Line], levels: Sequence[Level]) -> str:
    """The plot in words: where each line begins and ends."""
    said = [
        f"{line.name} from {line.points[0][1]:.4g} at {line.points[0][0]:g} "
        f"to {line.points[-1][1]:.4g} at {line.points[-1][0]:g}"
        for line in lines
    ]
    return "; ".join([*said, *(f"{level.name} {level.value:.4g}" for level in levels)])


def _svg(view_box: str, *children: Element, **attributes: str) -> Markup:
    drawing = tag("svg", *children, viewBox=view_box, **attributes)
    # ElementTree has escaped what is in it.
    return Markup(tostring(drawing, encoding="unicode", method="html"))


def tag(name: str, /, *children: Element | str, **attributes: str | float | None) -> Element:
    """An element with one text or with others in it; attributes that are None are left out.

    `class_` gives the attribute `class`, `text_anchor` gives `text-anchor`; numbers are rounded to
    hundredths, which no eye can tell apart.
    """
    element = Element(name)
    for attribute, value in attributes.items():
        if value is not None:
            shown = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            element.set(attribute.rstrip("_").replace("_", "-"), str(shown))
    for child in children:
        if isinstance(child, Element):
            element.append(child)
        else:
            element.text = child
    return element
