"""What is counted does not grow unnoticed: calls of AWS, bytes of the packages, instructions.

The figures and their margins are in ``bench/figures.json`` and ``bench/figures.py``."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import LOCAL_AWS, ending_cleanly

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.cloud import Cloud
from bench.figures import (
    call_figures,
    exceeded,
    incomparable,
    instruction_figures,
    known,
    zip_figures,
)
from bench.runtime_api import RuntimeApi


@pytest.fixture(scope="module")
def counting() -> Iterator[tuple[Cloud, RuntimeApi]]:
    """The local AWS of the measurements, with the ``local-aws`` of the tests."""
    with ending_cleanly(), Cloud(name="figures", local_aws=LOCAL_AWS) as cloud, RuntimeApi() as api:
        yield cloud, api


def test_no_request_and_no_sweep_makes_more_calls(counting: tuple[Cloud, RuntimeApi]) -> None:
    counted = call_figures(*counting)
    assert counted.keys() == known()["calls"].keys()
    grown = {what: exceeded("calls", calls, known()["calls"][what]) for what, calls in counted.items()}
    assert not any(grown.values()), grown


def comparable(kind: str) -> None:
    """Skips what is of another compiler than is known, or not known at all."""
    if why := incomparable(kind):
        pytest.skip(why)


def test_no_package_grows() -> None:
    comparable("zip_bytes")
    assert not exceeded("zip_bytes", zip_figures(), known()["zip_bytes"])


@pytest.mark.skipif(
    not shutil.which("valgrind"), reason="valgrind is not installed: no instructions are counted"
)
def test_start_and_create_take_no_more_instructions(counting: tuple[Cloud, RuntimeApi]) -> None:
    comparable("instructions")
    assert not exceeded("instructions", instruction_figures(*counting), known()["instructions"])
