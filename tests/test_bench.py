"""What `make bench` says of its results: the page is what they are; what failed is told and not counted."""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import page
from bench.contenders import Contender, in_turn
from bench.runtime_api import FunctionFailedError
from bench.sweep import CUSTODIAN, EVERYTHING, ONE_RULE


@pytest.fixture
def results() -> dict[str, Any]:
    """Those of the page, to be changed."""
    return copy.deepcopy(page.load(quick=False))


def bar(results: dict[str, Any], beginning: str) -> str:
    """A row of the table of bars."""
    lines = page.written(results)["bars"].splitlines()
    return next(line for line in lines if line.startswith(f"| {beginning}"))


def row(results: dict[str, Any], way: str, profiles: int, latency: int = 20) -> dict[str, Any]:
    """A row of the sweep, where calls are not limited."""
    wanted = {"way": way, "profiles": profiles, "latency_ms": latency, "calls_a_second": 0}
    return next(each for each in results["sweep"]["figures"]["rows"] if wanted.items() <= each.items())


def test_the_page_is_what_the_results_say(results: dict[str, Any]) -> None:
    text = page.PAGE.read_text()
    for name, table in page.written(results).items():
        assert f"<!-- bench:{name} -->\n{table}\n<!-- /bench:{name} -->" in text, name
    for name, picture in page.pictures(results).items():
        assert (page.RESULTS / f"{name}.svg").read_text() == picture, name


def test_binaries_are_drawn_by_one_scale(results: dict[str, Any]) -> None:
    drawn = re.findall(r'<rect [^>]*width="([\d.]+)"', page.pictures(results)["binary"])
    binaries = results["build"]["figures"]["binaries"].values()
    shown = [size for each in binaries for kind, size in each.items() if kind not in ("bytes", "zip_bytes")]
    assert len(drawn) == len(shown)
    scale = float(drawn[0]) / shown[0]
    for width, size in zip(drawn, shown, strict=True):
        assert float(width) == pytest.approx(max(size * scale, 1.5), abs=0.1)


def test_what_failed_is_told_and_reaches_no_bar(results: dict[str, Any]) -> None:
    failed = row(results, CUSTODIAN, 1_000)
    for key in ("seconds", "peak_memory_mb", "calls", "refused", "found"):
        del failed[key]
    failed["trouble"] = "it found 0 of 600"
    assert "not measured" in bar(results, "sweep of 1,000 profiles")
    assert "reached" in bar(results, "its calls of Bedrock")
    assert "| failed: it found 0 of 600 |" in page.written(results)["sweep"]
    page.pictures(results)


@pytest.mark.parametrize("part", ["start", "provider", "sweep"])
def test_a_bar_that_was_not_measured_says_so(results: dict[str, Any], part: str) -> None:
    bars = len(page.written(results)["bars"].splitlines())
    del results[part]
    told = page.written(results)["bars"].splitlines()
    assert len(told) == bars
    assert any("not measured" in line for line in told)


def test_growth_is_that_of_steps_and_not_of_the_first_value(results: dict[str, Any]) -> None:
    for size, seconds in ((1_000, 1.0), (10_000, 1.9), (100_000, 91.0)):
        row(results, EVERYTHING, size)["seconds"]["median"] = seconds
    # Less than a hundred times from the first to the last, but the second step is that of a square.
    assert "| 99.0 times (1.00, 1.90, 91.0 s) | **missed** |" in bar(results, "time of a sweep")


def test_parts_of_different_machines_have_a_column_each(results: dict[str, Any]) -> None:
    results["sweep"]["machine"]["processors"] = "96 of another kind"
    table = page.written(results)["machine"]
    assert table.startswith("|  | build | provider | start | sweep |")
    assert "| 96 of another kind |\n" in table


def test_a_peer_that_fails_is_left_out_and_one_of_ours_ends_the_run() -> None:
    ours, peer = (
        Contender(name, is_ours, [], {}, None, 0, 0) for name, is_ours in (("ours", True), ("peer", False))
    )
    contenders, missing = [ours, peer], {}

    def fail(each: Contender) -> None:
        if not each.is_ours:
            raise FunctionFailedError("the process ended")

    in_turn(contenders, missing, fail)
    assert (contenders, missing) == ([ours], {"peer": "the process ended"})

    def fail_all(each: Contender) -> None:
        raise FunctionFailedError(each.name)

    with pytest.raises(FunctionFailedError, match="ours"):
        in_turn(contenders, missing, fail_all)


def test_the_rule_that_is_compared_finds_what_the_peers_find(results: dict[str, Any]) -> None:
    for size in (100, 1_000, 10_000):
        found = {row(results, way, size)["found"] for way in (ONE_RULE, EVERYTHING, CUSTODIAN)}
        assert found == {size * 3 // 5}
