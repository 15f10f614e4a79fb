"""Medians and spreads of what was measured more than once."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Spread:
    """The median, and the quartiles between which half of the values lie."""

    median: float
    low: float
    high: float
    least: float
    most: float
    runs: int

    @staticmethod
    def of(values: Iterable[float]) -> Spread:
        """Of at least one value."""
        ordered = sorted(values)
        if len(ordered) > 1:
            low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
        else:
            low = high = ordered[0]
        return Spread(statistics.median(ordered), low, high, ordered[0], ordered[-1], len(ordered))

    def json(self) -> dict[str, float]:
        """As it is kept; six digits tell everything that was measured."""
        return {key: float(f"{value:.6g}") for key, value in asdict(self).items()} | {"runs": self.runs}
