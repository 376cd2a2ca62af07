"""Line plots as inline SVG: drawn for a phone's width, coloured by the page, read aloud by a title.

Own lines, because none of the chart libraries that write SVG without a browser fits: pygal's
charts bring a script from the network and one fixed set of colours, leather's have neither titles
nor colours that follow the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ..results import Figure
from .markup import tag
from .scales import Scale, scale

_WIDTH, _HEIGHT = 360.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 14.0, 10.0, 40.0

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


def line_plot(
    title: str,
    x_name: str,
    y_name: str,
    lines: Sequence[Line],
    *,
    levels: Sequence[Level] = (),
    from_zero: bool = False,
    chosen: Sequence[float] = (),
) -> Element:
    """A figure with its caption, legend and plot.

    Args:
        title: the caption.
        x_name: what stands below the horizontal axis.
        y_name: what is read from the plot, for the caption of each point.
        lines: at least one with at least one point.
        levels: values to compare with.
        from_zero: the vertical axis begins at 0.
        chosen: places on the horizontal axis to mark.
    """
    points = [point for line in lines for point in line.points]
    heights = [y for _, y in points] + [level.value for level in levels] + [0.0] * from_zero
    xs = scale([x for x, _ in points], _LEFT, _WIDTH - _RIGHT, ticks=6, tight=True)
    ys = scale(heights, _HEIGHT - _BOTTOM, _TOP)
    drawing = tag(
        "svg",
        tag("title", f"{title}: {_said(lines, levels)}"),
        *_grid(xs, ys, x_name),
        *(
            tag("line", class_="chosen", x1=xs(x), x2=xs(x), y1=_TOP, y2=_HEIGHT - _BOTTOM)
            for x in chosen
            if xs.low <= x <= xs.high
        ),
        *(_level(level, ys) for level in levels),
        *(_line(line, xs, ys, x_name, y_name) for line in lines),
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        role="img",
    )
    return tag("figure", tag("figcaption", title), _legend(lines, levels), drawing)


def interval_plot(figure: Figure) -> Element:
    """A gain with its 95 % interval, and where zero is."""
    xs = scale((0.0, figure.low, figure.high, figure.gain), 14.0, 154.0, ticks=3)
    return tag(
        "svg",
        tag(
            "title",
            f"Gain {figure.gain:+.3f}, 95 % interval {figure.low:+.3f} to {figure.high:+.3f}",
        ),
        tag("line", class_="axis", x1=xs.start, x2=xs.end, y1="24", y2="24"),
        tag("line", class_="zero", x1=xs(0), x2=xs(0), y1="2", y2="30"),
        *(tag("text", text, x=xs(value), y="42", text_anchor="middle") for value, text in xs.ticks),
        tag("line", class_="interval", x1=xs(figure.low), x2=xs(figure.high), y1="14", y2="14"),
        tag("circle", class_="gain", cx=xs(figure.gain), cy="14", r="5"),
        viewBox="0 0 168 48",
        role="img",
        class_="interval-plot",
    )


def _grid(xs: Scale, ys: Scale, x_name: str) -> list[Element]:
    bottom = _HEIGHT - _BOTTOM
    parts = []
    for value, text in ys.ticks:
        y = ys(value)
        parts.append(tag("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y))
        parts.append(tag("text", text, x=_LEFT - 6, y=y + 4, text_anchor="end"))
    parts.append(tag("line", class_="axis", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=bottom, y2=bottom))
    for value, text in xs.ticks:
        x = xs(value)
        parts.append(tag("line", class_="axis", x1=x, x2=x, y1=bottom, y2=bottom + 4))
        parts.append(tag("text", text, x=x, y=bottom + 17, text_anchor="middle"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(tag("text", x_name, x=middle, y=_HEIGHT - 6, text_anchor="middle"))
    return parts


def _level(level: Level, ys: Scale) -> Element:
    y = ys(level.value)
    return tag("line", class_=f"level {level.kind}", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y)


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


def _legend(lines: Sequence[Line], levels: Sequence[Level]) -> Element:
    entries = []
    for line in lines:
        sample = tag(
            "g",
            tag("polyline", points="1,6 29,6"),
            tag("g", _mark(line.style, 15.0, 6.0), class_="mark"),
            class_=f"line style-{line.style % STYLES}",
        )
        entries.append((line.name, sample))
    for level in levels:
        sample = tag("line", class_=f"level {level.kind}", x1="1", x2="29", y1="6", y2="6")
        entries.append((level.name, sample))
    return tag(
        "ul",
        *(
            tag("li", tag("svg", sample, viewBox="0 0 30 12", aria_hidden="true"), f" {name}")
            for name, sample in entries
        ),
        class_="legend",
    )


def _said(lines: Sequence[Line], levels: Sequence[Level]) -> str:
    """The plot in words: where each line begins and ends."""
    said = [
        f"{line.name} from {line.points[0][1]:.4g} at {line.points[0][0]:g} "
        f"to {line.points[-1][1]:.4g} at {line.points[-1][0]:g}"
        for line in lines
        if line.points
    ]
    return "; ".join([*said, *(f"{level.name} {level.value:.4g}" for level in levels)])
