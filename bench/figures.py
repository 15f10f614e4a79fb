"""What is counted, and so the same on every machine: calls, bytes, instructions.

``figures.json`` holds what each was when it was last looked at; `make test` fails where one has grown beyond
its margin. Who means it to grow writes the file anew, `make bench ONLY=figures`, and says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bench import ROOT
from bench.cloud import Cloud
from bench.contenders import MissingError, binary, functions, zipped
from bench.progress import Progress
from bench.provider import LIFE, instructions, lived
from bench.runtime_api import RuntimeApi
from bench.sweep import DELIVERS, EVERYTHING, ONE_RULE, ONLY_THE_TAG, swept

FIGURES = ROOT / "bench" / "figures.json"

# By how much each kind may grow unnoticed. A call more is never an accident.
MARGINS = {"calls": 0.0, "zip_bytes": 0.02, "instructions": 0.05}

SWEPT = 1_000


def call_figures(cloud: Cloud, api: RuntimeApi) -> dict[str, dict[str, int]]:
    """Calls of each request of the provider, and of a sweep of a thousand profiles."""
    _, provider = lived(cloud, api, latency=0, lives=1)
    calls = {what: dict(sorted(provider[what].items())) for what, *_ in LIFE}
    cloud.empty()
    cloud.fill(SWEPT)
    everything = swept(cloud, api, DELIVERS, {})
    assert not everything.trouble, everything.trouble
    calls[EVERYTHING] = dict(sorted(cloud.calls().items()))
    cloud.forget_calls()
    swept(cloud, api, {"METRICS": "false"}, ONLY_THE_TAG)
    calls[ONE_RULE] = dict(sorted(cloud.calls().items()))
    return calls


def zip_figures() -> dict[str, int]:
    """Bytes of each package."""
    return {name: zipped([(binary(name), "bootstrap")]) for name in functions()}


def instruction_figures(cloud: Cloud, api: RuntimeApi) -> dict[str, int]:
    """Instructions of the provider's start, its first Create and another one."""
    return instructions(cloud, api, Progress("instructions"), steps=3)


def exceeded(kind: str, counted: Mapping[str, int], known: Mapping[str, int]) -> list[str]:
    """What has grown beyond its margin, in words."""
    limits = {name: figure * (1 + MARGINS[kind]) for name, figure in known.items()}
    return [
        f"{name}: {figure:,}, where {known.get(name, 0):,} is known"
        for name, figure in counted.items()
        if figure > limits.get(name, 0)
    ]


def known() -> dict[str, Any]:
    """The figures as they were last looked at."""
    return dict(json.loads(FIGURES.read_text()))


def write(cloud: Cloud, api: RuntimeApi) -> None:
    """Counts everything and keeps it. Where there is no valgrind, the instructions stay as they are."""
    figures: dict[str, Any] = known() if FIGURES.exists() else {}
    figures["calls"] = call_figures(cloud, api)
    figures["zip_bytes"] = zip_figures()
    try:
        figures["instructions"] = instruction_figures(cloud, api)
    except MissingError as error:
        print(f"    the instructions are not counted: {error}")
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
