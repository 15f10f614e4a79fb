"""Pictures as SVG, without anything but text: bars, and lines on logarithmic axes.

They are read on light and on dark ground: the ink follows the reader's setting, the colours suit both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

WIDTH = 760
COLOURS = ("#d9622b", "#3b82c4", "#3f9d5c", "#9a6bc4", "#b08a1e", "#7a7f87")
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 15px; }
  .small { font-size: 12px; fill: #57606a; }
  .grid { stroke: #8c959f; stroke-opacity: 0.3; }
  .whisker { stroke: #24292f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .whisker { stroke: #e6edf3; }
    .small { fill: #9198a1; }
  }
"""


def svg(height: float, title: str, parts: Sequence[str]) -> str:
    """The whole picture."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """A line of text."""
    css = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{css} text-anchor="{anchor}">{escape(words)}</text>'


# -- bars ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """One bar, with its value in words, and between which values half of the runs lie."""

    name: str
    value: float
    label: str
    colour: int = 0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Panel:
    """Bars of one unit beneath a headline."""

    title: str
    bars: Sequence[Bar]


def longest(panel: Panel) -> float:
    """How far a panel's bars and whiskers reach."""
    return max((each.high or each.value for each in panel.bars), default=0)


def bars(title: str, panels: Sequence[Panel], *, of_one_kind: bool = False) -> str:
    """Panels of horizontal bars from 0 on: by one scale where they are of one kind, else each by its own."""
    left, right, step = 190, 110, 26
    parts, y = [], 8.0
    most_of_all = max(map(longest, panels), default=0)
    for panel in panels:
        y += 22
        parts.append(text(8, y, panel.title, "title"))
        y += 10
        most = most_of_all if of_one_kind else longest(panel)
        scale = (WIDTH - left - right) / (most or 1)
        for each in panel.bars:
            long = max(each.value * scale, 1.5)
            parts.append(text(left - 8, y + 17, each.name, anchor="end"))
            parts.append(
                f'<rect x="{left}" y="{y + 4:.1f}" width="{long:.1f}" height="18" rx="2" '
                f'fill="{COLOURS[each.colour]}"/>'
            )
            end = long
            if each.low is not None and each.high is not None and (each.high - each.low) * scale > 2:
                middle, end = y + 13, max(long, each.high * scale)
                parts.append(
                    f'<path d="M{left + each.low * scale:.1f} {middle:.1f}H{left + each.high * scale:.1f}" '
                    'class="whisker"/>'
                )
            parts.append(text(left + end + 6, y + 17, each.label))
            y += step
        y += 8
    return svg(y + 8, title, parts)


# -- lines --------------------------------------------------------------------------------------------------


Point = tuple[float, float]


@dataclass
class Line:
    """Points of one series, by its name."""

    name: str
    points: list[Point] = field(default_factory=list)
    colour: int = 0
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """Lines beneath a headline; both axes are logarithmic."""

    title: str
    lines: Sequence[Line]
    unit: str
    # A height of its own: a limit that somebody sets.
    limit: tuple[float, str] | None = None


def decades(least: float, most: float) -> list[float]:
    """The powers of ten around two values."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return [10.0**exponent for exponent in range(first, last + 1)]


def plain(value: float) -> str:
    """A power of ten as people write it."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def plots(title: str, all_plots: Sequence[Plot]) -> str:
    """Plots beneath one another, and a legend."""
    left, right, high, parts, y = 78, 20, 250, [], 8.0
    for plot in all_plots:
        points = [point for line in plot.lines for point in line.points]
        limit = [plot.limit[0]] if plot.limit else []
        xs = decades(min(x for x, _ in points), max(x for x, _ in points))
        ys = decades(min([each for _, each in points] + limit), max([each for _, each in points] + limit))
        across = (WIDTH - left - right) / max(1, len(xs) - 1)
        up = high / max(1, len(ys) - 1)
        y += 22
        parts.append(text(8, y, plot.title, "title"))
        bottom = y + 14 + high

        def at(x: float, value: float, origin=(xs[0], ys[0]), step=(across, up), foot=bottom) -> Point:
            return left + math.log10(x / origin[0]) * step[0], foot - math.log10(value / origin[1]) * step[1]

        for x in xs:
            place = at(x, ys[0])[0]
            parts.append(f'<path class="grid" d="M{place:.1f} {bottom:.1f}V{bottom - high:.1f}"/>')
            anchor = "end" if x == xs[-1] else "middle"
            parts.append(text(place, bottom + 17, plain(x), "small", anchor))
        for value in ys:
            place = at(xs[0], value)[1]
            parts.append(f'<path class="grid" d="M{left} {place:.1f}H{WIDTH - right}"/>')
            parts.append(text(left - 6, place + 4, f"{plain(value)} {plot.unit}", "small", "end"))
        if plot.limit:
            place = at(xs[0], plot.limit[0])[1]
            parts.append(
                f'<path d="M{left} {place:.1f}H{WIDTH - right}" stroke="#c4443b" stroke-dasharray="3 4"/>'
            )
            parts.append(text(left + 6, place - 5, plot.limit[1], "small"))
        for line in plot.lines:
            drawn = [at(*point) for point in line.points]
            colour = COLOURS[line.colour]
            path = "L".join(f"{x:.1f} {place:.1f}" for x, place in drawn)
            dash = ' stroke-dasharray="6 4"' if line.dashed else ""
            parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            parts += [
                f'<circle cx="{x:.1f}" cy="{place:.1f}" r="3.5" fill="{colour}"/>' for x, place in drawn
            ]
        y = bottom + 38
        parts.append(text((left + WIDTH - right) / 2, y - 2, "profiles", "small", "middle"))
        x = 8.0
        for line in plot.lines:
            wide = 34 + 7.2 * len(line.name)
            if x + wide > WIDTH:
                x, y = 8.0, y + 20
            colour = COLOURS[line.colour]
            dash = ' stroke-dasharray="6 4"' if line.dashed else ""
            parts.append(f'<path d="M{x:.1f} {y + 16:.1f}h20" stroke="{colour}" stroke-width="3"{dash}/>')
            parts.append(text(x + 26, y + 20, line.name, "small"))
            x += wide
        y += 34
    return svg(y, title, parts)
