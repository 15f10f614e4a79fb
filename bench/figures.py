"""What is counted, and so the same whenever it is counted again: calls, bytes, instructions.

``figures.json`` holds what each was when it was last looked at; `make test` fails where one has grown beyond
its margin. Who means it to grow writes the file anew, `make bench ONLY=figures`, and says why.

Calls are the same on every machine. Bytes and instructions are those of one compiler, and compressed bytes
of one library; elsewhere they are not compared, :func:`incomparable`. The first Create of a process is not
among them: it reads the certificates that the machine trusts, and takes as long as these are many."""

from __future__ import annotations

import json
import platform
import zlib
from collections.abc import Mapping
from typing import Any

from bench import ROOT
from bench.cloud import Cloud
from bench.contenders import MissingError, binary, functions, zipped
from bench.machine import said
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
    one_rule = swept(cloud, api, {"METRICS": "false"}, ONLY_THE_TAG)
    assert not one_rule.trouble, one_rule.trouble
    calls[ONE_RULE] = dict(sorted(cloud.calls().items()))
    return calls


def zip_figures() -> dict[str, int]:
    """Bytes of each package."""
    return {name: zipped([(binary(name), "bootstrap")]) for name in functions()}


def instruction_figures(cloud: Cloud, api: RuntimeApi) -> dict[str, int]:
    """Instructions of the provider's start, and of a Create that is not its first."""
    taken = instructions(cloud, api, Progress("instructions"), steps=3)
    return {name: taken[name] for name in ("start", "Create")}


def made_by() -> dict[str, str]:
    """What bytes and instructions depend on."""
    return {
        "machine": platform.machine(),
        "Rust": said("rustc", "--version").split("(")[0].strip(),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }


def incomparable(kind: str) -> str:
    """Why a kind of figures cannot be compared here with what is known; empty if it can."""
    if not known()[kind]:
        return "nothing is known of it"
    depends_on = made_by()
    if kind != "zip_bytes":
        del depends_on["zlib"]
    before = known()["made_by"]
    differ = [
        f"{name} {before[name]}, not {here}" for name, here in depends_on.items() if before[name] != here
    ]
    return f"what is known is of {'; '.join(differ)}" if differ else ""


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
    """Counts everything and keeps it. Where there is no valgrind, instructions are not known from then on."""
    figures: dict[str, Any] = known() if FIGURES.exists() else {}
    figures["made_by"] = made_by()
    figures["calls"] = call_figures(cloud, api)
    figures["zip_bytes"] = zip_figures()
    try:
        figures["instructions"] = instruction_figures(cloud, api)
    except MissingError as error:
        figures["instructions"] = {}
        print(f"    the instructions are not counted, and not known any more: {error}")
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
