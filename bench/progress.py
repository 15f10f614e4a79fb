"""A word on what is being measured, while that takes long."""

from __future__ import annotations

import sys
import time


class Progress:
    """On a terminal one line that changes, elsewhere a line for each part."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._begun = time.monotonic()
        print(f"==> {part}", flush=True)

    def say(self, what: str) -> None:
        """What is under way."""
        if sys.stderr.isatty():
            print(f"\r\033[K    {self.seconds():4.0f} s  {what}", end="", file=sys.stderr, flush=True)

    def note(self, what: str) -> None:
        """A line that stays."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        print(f"    {what}", flush=True)

    def done(self) -> None:
        """The end."""
        self.note(f"{self._part}: {self.seconds():.0f} s")

    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._begun
