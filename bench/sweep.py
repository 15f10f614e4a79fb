"""The sweep of accounts of 100 to 100,000 profiles, and what others do with the same accounts.

Three of five profiles lack the tag ``owner``, and half were used yesterday. What is compared is the work that
all do: to list the profiles and to find those without the tag, from the start of the process to its end.
For that the sweep is asked for this one rule, for which it reads profiles, tags and stacks, and delivers
nothing. Besides, it is measured with all its rules and deliveries.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import STATE
from bench.cloud import Cloud, log_file
from bench.command import run
from bench.contenders import PEERS, VENV, binary, python_peers
from bench.progress import Progress
from bench.runtime_api import FunctionFailedError, RuntimeApi
from bench.spread import Spread

SIZES = (100, 1_000, 10_000, 100_000)
LATENCIES_MS = (0, 20)
CALLS_A_SECOND = 10

ONE_RULE = "sweep, one rule"
EVERYTHING = "sweep, everything"
ONLY_THE_TAG = {"rules": ["missing-required-tag"]}

# How long anything may take. A sweep has ten minutes on Lambda.
PATIENCE = 600


@dataclass(frozen=True)
class Way:
    """One way to go through an account: what is run, and how often at each size."""

    name: str
    once: Callable[[Cloud, RuntimeApi], Outcome]
    # Runs by size; by latency where they differ; a size that is not there would take too long.
    runs: dict[int, int] | dict[int, dict[int, int]]
    # The same where calls are limited.
    limited_runs: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """One run."""

    seconds: float
    peak_memory: float
    # How many profiles it found to lack the tag, or to be idle.
    found: int
    trouble: str = ""


@dataclass
class Series:
    """All runs of a way under the same conditions."""

    outcomes: list[Outcome] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def json(self) -> dict[str, Any]:
        """As it is kept; the calls are those of the last run."""
        return {
            "seconds": Spread.of(each.seconds for each in self.outcomes).json(),
            "peak_memory_mb": Spread.of(each.peak_memory for each in self.outcomes).json(),
            "calls": dict(sorted(self.calls.items())),
            "refused": self.refused,
            "found": self.outcomes[-1].found,
            "trouble": next((each.trouble for each in self.outcomes if each.trouble), ""),
        }


def measure(cloud: Cloud, api: RuntimeApi, *, quick: bool, progress: Progress) -> list[dict[str, Any]]:
    """A row for each way, size, latency and limit."""
    python_peers()
    cloud.empty()
    sizes = SIZES[:2] if quick else SIZES
    rows = []
    for size in sizes:
        progress.say(f"{size} profiles are made")
        cloud.fill(size)
        for limit in (0, CALLS_A_SECOND):
            for latency in LATENCIES_MS:
                if limit and not latency:
                    continue  # where calls wait for their turn, the way to AWS is no matter
                rows += round_robin(ways(), cloud, api, size, latency, limit, quick, progress)
    return rows


def ways() -> list[Way]:
    """All of them."""
    whole = {100: 7, 1_000: 7, 10_000: 5, 100_000: 1}
    return [
        Way(
            ONE_RULE,
            lambda cloud, api: swept(cloud, api, {"METRICS": "false"}, ONLY_THE_TAG),
            {100: 9, 1_000: 9, 10_000: 5, 100_000: 3},
            {100: 3, 1_000: 3, 10_000: 1, 100_000: 1},
        ),
        Way(EVERYTHING, lambda cloud, api: swept(cloud, api, DELIVERS, {}), whole),
        Way(
            "Cloud Custodian, missing tag",
            lambda cloud, _: custodian(cloud, "custodian-tag"),
            {100: 5, 1_000: 5, 10_000: 3, 100_000: 1},
            {1_000: 1, 10_000: 1},
        ),
        Way(
            "Cloud Custodian, metrics",
            lambda cloud, _: custodian(cloud, "custodian-metrics"),
            {100: 3, 1_000: {0: 3, 20: 2}},
        ),
        Way(
            "boto3 script",
            lambda cloud, _: script(cloud),
            {100: 3, 1_000: {0: 3, 20: 2}, 10_000: {0: 1}},
            {100: 1},
        ),
    ]


def round_robin(
    all_ways: list[Way],
    cloud: Cloud,
    api: RuntimeApi,
    size: int,
    latency: int,
    limit: int,
    quick: bool,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Everybody takes turns."""
    cloud.conditions(latency, limit)
    series = {each.name: Series() for each in all_ways}
    planned = {each.name: wanted_runs(each, size, latency, limit, quick) for each in all_ways}
    for number in range(max(planned.values())):
        for each in all_ways:
            if number >= planned[each.name]:
                continue
            progress.say(f"{size} profiles, {latency} ms, {limit or 'any'} calls a second: {each.name}")
            cloud.forget_calls()
            outcome = each.once(cloud, api)
            mine = series[each.name]
            mine.outcomes.append(outcome)
            mine.calls, mine.refused = cloud.calls(), cloud.refused()
    return [
        {"way": name, "profiles": size, "latency_ms": latency, "calls_a_second": limit, **mine.json()}
        for name, mine in series.items()
        if mine.outcomes
    ]


def wanted_runs(way: Way, size: int, latency: int, limit: int, quick: bool) -> int:
    """How often a way is run under these conditions."""
    runs = way.limited_runs.get(size, 0) if limit else way.runs.get(size, 0)
    if isinstance(runs, dict):
        runs = runs.get(latency, 0)
    return min(runs, 1) if quick else runs


# -- the ways ----------------------------------------------------------------------------------------------


DELIVERS = {
    "REPORT_BUCKET": "reports",
    "DIGEST_TOPIC": "arn:aws:sns:us-east-1:000000000000:digest",
    "EVENT_BUS": "default",
    "METRICS": "true",
}


def swept(cloud: Cloud, api: RuntimeApi, settings: dict[str, str], payload: dict[str, Any]) -> Outcome:
    """The function as it ships, from its start to its result."""
    environment = {**cloud.environment(), "REQUIRED_TAGS": "owner", **settings}
    name = "inference-profile-manager-sweep"
    trouble = ""
    with api.start([binary("sweep")], environment, name=name, log=log_file("sweep")) as process:
        try:
            answer = process.invoke(json.dumps(payload).encode(), PATIENCE)
        except FunctionFailedError as error:
            return Outcome(PATIENCE, process.peak_memory(), 0, str(error))
        memory, seconds = process.peak_memory(), process.first_poll + answer.seconds
    result = json.loads(answer.body)
    if not result["complete"]:
        trouble = "; ".join(f"{each['source']}: {each['reason']}" for each in unread(result))
    if result.get("undelivered"):
        trouble = "; ".join([trouble, f"undelivered: {result['undelivered']}"])
    return Outcome(seconds, memory, result["counts"]["missing-required-tag"], trouble)


def unread(result: dict[str, Any]) -> list[dict[str, str]]:
    """The parts of an incomplete report that could not be read."""
    return [each for region in result["regions"] for each in region.get("unread", [])]


def custodian(cloud: Cloud, policy: str) -> Outcome:
    """Cloud Custodian, as it is run from a schedule: a process that reads a policy file."""
    output = STATE / "custodian"
    shutil.rmtree(output, ignore_errors=True)
    command: list[str | Path] = [
        VENV / "bin" / "custodian",
        "run",
        f"--output-dir={output}",
        "--cache-period=0",
        f"--region={cloud.region}",
        PEERS / f"{policy}.yml",
    ]
    done = run(command, cloud.environment(), log_file(policy), PATIENCE)
    found = list(output.glob("*/resources.json"))
    if done.status or not found:
        return Outcome(done.seconds, done.peak_memory, 0, f"it ended with {done.status}")
    return Outcome(done.seconds, done.peak_memory, len(json.loads(found[0].read_text())))


def script(cloud: Cloud) -> Outcome:
    """A script with boto3."""
    log = log_file("script")
    command = [VENV / "bin" / "python", PEERS / "boto3_report.py", "owner"]
    done = run(command, {**cloud.environment(), "PYTHONUNBUFFERED": "1"}, log, PATIENCE)
    if done.status:
        last = log.read_text().strip().rsplit(os.linesep, 1)[-1]
        return Outcome(done.seconds, done.peak_memory, 0, f"it ended with {done.status}: {last}")
    return Outcome(done.seconds, done.peak_memory, log.read_text().count("arn:"))
