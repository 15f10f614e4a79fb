"""The sweep of accounts of 100 to 100,000 profiles, and what others do with the same accounts.

Three of five profiles lack the tag ``owner``, and half were used yesterday. What is compared is the work
that all do: to list the profiles and to find those without the tag. The sweep, a function, is timed from the
start of its process to its answer; the others, which are commands, from their start to their end. For that
the sweep is asked for this one rule, for which it reads profiles, tags and stacks, and delivers nothing.
Besides, it is measured with all its rules and deliveries.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench import STATE
from bench.cloud import Cloud, has_owner, log_file, was_used
from bench.command import run
from bench.contenders import PEERS, VENV, MissingError, binary, python_peers
from bench.instructions import counted
from bench.progress import Progress
from bench.runtime_api import Function, FunctionFailedError, RuntimeApi
from bench.spread import Spread
from local_cloud import SWEEP_FUNCTION, CloudError

SIZES = (100, 1_000, 10_000, 100_000)
LATENCIES_MS = (0, 20)
CALLS_A_SECOND = 10
# The size of which instructions are counted.
COUNTED = 1_000

ONE_RULE = "sweep, one rule"
EVERYTHING = "sweep, everything"
CUSTODIAN = "Cloud Custodian, missing tag"
ONLY_THE_TAG = {"rules": ["missing-required-tag"]}

# How long anything may take. A sweep has ten minutes on Lambda.
PATIENCE = 600

# How many profiles `local-aws` tells at a time of its own accord; what AWS does is not published.
USUAL_PAGE = 100


@dataclass(frozen=True)
class Way:
    """One way to go through an account: what is run, and how often at each size."""

    name: str
    once: Callable[[Cloud, RuntimeApi], Outcome]
    # Which profiles it is to find, by their numbers.
    finds: Callable[[int], bool]
    # Runs by size; by latency where they differ; what is not there is left out.
    runs: dict[int, int | dict[int, int]]
    # The same where calls are limited.
    limited_runs: dict[int, int] = field(default_factory=dict)
    # How many profiles are on a page for whoever does not ask for more.
    page: int = USUAL_PAGE


@dataclass(frozen=True)
class Outcome:
    """One run."""

    seconds: float
    peak_memory: float
    # How many profiles it found to lack the tag, or to be idle.
    found: int
    # Why the other figures do not count.
    trouble: str = ""


@dataclass
class Series:
    """All runs of a way under the same conditions."""

    outcomes: list[Outcome] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    def json(self) -> dict[str, Any]:
        """As it is kept; the calls are those of the last run. Where a run failed there are no figures."""
        trouble = next((each.trouble for each in self.outcomes if each.trouble), "")
        if trouble:
            return {"trouble": trouble}
        return {
            "seconds": Spread.of(each.seconds for each in self.outcomes).json(),
            "peak_memory_mb": Spread.of(each.peak_memory for each in self.outcomes).json(),
            "calls": dict(sorted(self.calls.items())),
            "refused": self.refused,
            "found": self.outcomes[-1].found,
            "trouble": "",
        }


def measure(cloud: Cloud, api: RuntimeApi, *, quick: bool, progress: Progress) -> dict[str, Any]:
    """A row for each way, size, latency and limit; and the instructions of a sweep."""
    missing: dict[str, str] = {}
    try:
        python_peers()
    except MissingError as error:
        missing = {way.name: str(error) for way in ways() if way.name not in (ONE_RULE, EVERYTHING)}
    chosen = [way for way in ways() if way.name not in missing]
    cloud.empty()
    rows: list[dict[str, Any]] = []
    instructions: dict[str, int] = {}
    for size in SIZES[:2] if quick else SIZES:
        progress.say(f"{size} profiles are made")
        try:
            cloud.fill(size)
            if not rows:
                # What was never run is not in the page cache, and compiles itself: one run does not count.
                for each in chosen:
                    each.once(cloud, api)
            for limit in (0, CALLS_A_SECOND):
                for latency in LATENCIES_MS:
                    if limit and not latency:
                        continue  # where calls wait for their turn, the way to AWS is no matter
                    rows += round_robin(chosen, cloud, api, size, latency, limit, quick, progress)
        except CloudError as error:
            missing[f"{size} profiles and more"] = str(error)
            break
        if size == COUNTED:
            try:
                instructions = counted_instructions(cloud, api, progress)
            except (MissingError, FunctionFailedError) as error:
                missing["instructions"] = str(error)
    return {"rows": rows, "instructions": instructions, "not_measured": missing}


def ways() -> list[Way]:
    """All of them."""

    def lacks_the_tag(number: int) -> bool:
        return not has_owner(number)

    def is_idle(number: int) -> bool:
        return not was_used(number)

    return [
        Way(
            ONE_RULE,
            lambda cloud, api: swept(cloud, api, {"METRICS": "false"}, ONLY_THE_TAG),
            lacks_the_tag,
            {100: 9, 1_000: 9, 10_000: 5, 100_000: 3},
            {100: 3, 1_000: 3, 10_000: 1, 100_000: 1},
        ),
        Way(
            EVERYTHING,
            lambda cloud, api: swept(cloud, api, DELIVERS, {}),
            lacks_the_tag,
            {100: 7, 1_000: 7, 10_000: 5, 100_000: {0: 2, 20: 3}},
            {100: 1, 1_000: 1, 10_000: 1},
        ),
        Way(
            CUSTODIAN,
            lambda cloud, _: custodian(cloud, "custodian-tag"),
            lacks_the_tag,
            {100: 5, 1_000: 9, 10_000: 3, 100_000: 1},
            {100: 1, 1_000: 1, 10_000: 1},
        ),
        Way(
            f"{CUSTODIAN}, pages of 1,000",
            lambda cloud, _: custodian(cloud, "custodian-tag"),
            lacks_the_tag,
            {1_000: {20: 5}},
            page=1_000,
        ),
        Way(
            "Cloud Custodian, metrics",
            lambda cloud, _: custodian(cloud, "custodian-metrics"),
            is_idle,
            {100: 3, 1_000: {0: 3, 20: 2}, 10_000: 1},
            {100: 1, 1_000: 1},
        ),
        Way(
            "boto3 script",
            lambda cloud, _: script(cloud),
            lacks_the_tag,
            {100: 3, 1_000: {0: 3, 20: 2}, 10_000: 1},
            {100: 1, 1_000: 1},
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
    """Everybody takes turns, and finds what is to be found."""
    series = {each.name: Series() for each in all_ways}
    planned = {each.name: wanted_runs(each, size, latency, limit, quick) for each in all_ways}
    for number in range(max(planned.values())):
        for each in all_ways:
            mine = series[each.name]
            if number >= planned[each.name] or any(outcome.trouble for outcome in mine.outcomes):
                continue
            progress.say(f"{size} profiles, {latency} ms, {limit or 'any'} calls a second: {each.name}")
            # Before each run: nobody finds the calls of a second used up by the one before.
            cloud.conditions(latency, limit)
            cloud.pages(each.page)
            cloud.forget_calls()
            outcome = each.once(cloud, api)
            expected = sum(map(each.finds, range(size)))
            if not outcome.trouble and outcome.found != expected:
                outcome = replace(outcome, trouble=f"it found {outcome.found} of {expected}")
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


def counted_instructions(cloud: Cloud, api: RuntimeApi, progress: Progress) -> dict[str, int]:
    """Of a sweep of one rule, its start included."""
    progress.say(f"instructions of {ONE_RULE}")
    cloud.conditions()
    environment = {**cloud.environment(), "REQUIRED_TAGS": "owner", "METRICS": "false"}

    def play(process: Function) -> None:
        process.invoke(json.dumps(ONLY_THE_TAG).encode(), PATIENCE)

    return {ONE_RULE: counted(api, binary("sweep"), environment, SWEEP_FUNCTION, play)}


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
    trouble = ""
    try:
        with api.start([binary("sweep")], environment, name=SWEEP_FUNCTION, log=log_file("sweep")) as process:
            answer = process.invoke(json.dumps(payload).encode(), PATIENCE)
            memory, seconds = process.peak_memory(), process.first_poll + answer.seconds
    except FunctionFailedError as error:
        return Outcome(0, 0, 0, str(error))
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
