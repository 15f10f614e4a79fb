"""What a person sees on the terminal: steps with their values, and findings as a table."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from stacks import Profile

INDENT = " " * 6
# Lines of more than this are hard to read, however wide the terminal is.
WIDEST = 140
# Where nobody tells how wide a line may be: a file, a pipe.
USUAL_WIDTH = 110
# A column of less than this is no place for a sentence.
NARROWEST = 36

SEVERITY_COLOURS = {"critical": "31;1", "high": "31", "medium": "33", "low": "2"}

Paint = Callable[[str, str], str]


class Screen:
    """A line for each step and the values beneath it; colours on a terminal only."""

    def __init__(self) -> None:
        self.colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.steps = 0

    @property
    def width(self) -> int:
        """How wide a line may be."""
        return min(shutil.get_terminal_size((USUAL_WIDTH, 24)).columns, WIDEST)

    def paint(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    def headline(self, text: str) -> None:
        print(self.paint(text, "1"), flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """A step: its line is printed when it is done, with the time it took."""
        self.steps += 1
        begun = time.monotonic()
        step = Step()
        try:
            yield step
        except BaseException:
            print(f"\n{self.paint('✗', '31')} {self.steps}  {self.paint(title, '1')}")
            step.show(self)
            raise
        took = self.paint(f"{time.monotonic() - begun:.1f} s", "2")
        print(f"\n{self.paint('✓', '32')} {self.steps}  {self.paint(title, '1')}  {took}")
        step.show(self)
        sys.stdout.flush()


class Step:
    """The values of a step."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.found: Sequence[Mapping[str, Any]] = ()

    def findings(self, findings: Sequence[Mapping[str, Any]]) -> None:
        """A table beneath the values."""
        self.found = findings

    def value(self, label: str, value: str) -> None:
        self.lines.append((label, value))

    def tags(self, profiles: Iterable[Profile]) -> None:
        for profile in profiles:
            self.value(
                profile.name, "  ".join(f"{key}={value}" for key, value in sorted(profile.user_tags.items()))
            )

    def text(self, label: str, text: str) -> None:
        """A long text, wrapped."""
        for number, line in enumerate(wrapped(text, 100)):
            self.value(label if number == 0 else "", line)

    def show(self, screen: Screen) -> None:
        width = max((len(label) for label, _ in self.lines), default=0)
        for label, value in self.lines:
            print(f"{INDENT}{screen.paint(label.ljust(width), '36')}  {value}")
        if self.found:
            if self.lines:
                print()
            for line in findings_table(self.found, screen.width - len(INDENT), screen.paint):
                print(f"{INDENT}{line}".rstrip())


def plain(text: str, _code: str) -> str:
    """Without colours."""
    return text


def findings_table(
    findings: Iterable[Mapping[str, Any]], width: int = USUAL_WIDTH, paint: Paint = plain
) -> Iterator[str]:
    """The lines of a table: how grave, which rule, what it is about and what is wrong; at most ``width``.

    Where that leaves no room beside the rest, what is wrong stands beneath it.
    """
    heads = ("severity", "rule", "name")
    rows = [(each["severity"], each["rule"], each["resource"]["name"], each["problem"]) for each in findings]
    widths = [max([len(head), *(len(row[n]) for row in rows)]) for n, head in enumerate(heads)]
    widths[2] = min(widths[2], 32)
    left = sum(widths) + 2 * len(widths)
    is_wide = width - left >= NARROWEST
    indent = left if is_wide else 4
    head = "  ".join([*map(str.ljust, heads, widths), "what is wrong" if is_wide else ""])
    yield paint(head.rstrip(), "2")
    for severity, rule, name, problem in rows:
        cells = [
            paint(severity.ljust(widths[0]), SEVERITY_COLOURS.get(severity, "0")),
            rule.ljust(widths[1]),
            paint(shortened(name, widths[2]).ljust(widths[2]), "1"),
        ]
        first, *others = wrapped(problem, width - indent)
        if is_wide:
            cells.append(first)
        else:
            others = [first, *others]
        yield "  ".join(cells)
        for line in others:
            yield " " * indent + line


def wrapped(text: str, width: int) -> list[str]:
    """Lines of a text; a word that is longer than a line, as an ARN may be, is broken."""
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def shortened(text: str, width: int) -> str:
    """As much of a text as there is room for."""
    return text if len(text) <= width else text[: width - 1] + "…"
