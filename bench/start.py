"""Start and memory: from the start of the process to the first poll of the runtime API, the first and the
hundredth request, the most memory until then, and the size of what is deployed. All take turns."""

from __future__ import annotations

import json
from typing import Any

from bench.cloud import Cloud
from bench.contenders import Contender, everybody, in_creation, in_turn
from bench.progress import Progress
from bench.runtime_api import Function, FunctionFailedError, RuntimeApi
from bench.spread import Spread
from local_cloud import STACK

REQUESTS = 100
# What the sweep finds in its account.
PROFILES = 100


def measure(cloud: Cloud, api: RuntimeApi, *, quick: bool, progress: Progress) -> dict[str, Any]:
    """The figures of each contender, by its name."""
    starts, rounds = (5, 1) if quick else (40, 7)
    contenders, missing = everybody()
    polls: dict[str, list[float]] = {each.name: [] for each in contenders}
    requests: dict[str, list[tuple[float, float, float]]] = {each.name: [] for each in contenders}
    cloud.empty()

    # What was never run is not in the page cache, and compiles itself: one start does not count.
    for number in range(starts + 1):
        progress.say(f"start {number} of {starts}")

        def start(each: Contender, counts: bool = number > 0) -> None:
            with begun(each, cloud, api) as process:
                if counts:
                    polls[each.name].append(process.first_poll * 1000)

        in_turn(contenders, missing, start)

    for number in range(rounds):
        progress.say(f"{REQUESTS} requests, {number + 1} of {rounds}")
        in_turn(
            contenders,
            missing,
            lambda each: requests[each.name].extend(hundred(each, cloud, api)),
        )

    return {
        "contenders": {
            each.name: {
                "is_ours": each.is_ours,
                "first_poll_ms": Spread.of(polls[each.name]).json(),
                "zip_bytes": each.package,
                "zip_with_sdk_bytes": each.package_with_sdk,
                **figures(requests[each.name]),
            }
            for each in contenders
        },
        "requests": REQUESTS,
        "profiles_of_the_sweep": PROFILES,
        "not_measured": missing,
    }


def begun(contender: Contender, cloud: Cloud, api: RuntimeApi) -> Function:
    """A contender's process, after its first poll."""
    name = f"{STACK}-{contender.name}"
    return api.start(contender.command, contender.environment(cloud), name=name, log=contender.log())


def hundred(contender: Contender, cloud: Cloud, api: RuntimeApi) -> list[tuple[float, float, float]]:
    """Milliseconds of the first and the hundredth request, and the most memory until then; nothing of one
    whose events are not known."""
    if contender.event is None:
        return []
    cloud.empty()
    cloud.forget_answers()
    in_creation(cloud)
    if contender.answer is None:
        cloud.fill(PROFILES)
    with begun(contender, cloud, api) as process:
        done = [process.invoke(contender.event(number, cloud)) for number in range(REQUESTS)]
        memory = process.peak_memory()
    if contender.answer is not None:
        contender.check(cloud.answers(), REQUESTS)
    elif not all(json.loads(each.body)["complete"] for each in done):
        raise FunctionFailedError(f"{contender.name} could not read all")
    return [(done[0].seconds * 1000, done[-1].seconds * 1000, memory)]


def figures(runs: list[tuple[float, float, float]]) -> dict[str, Any]:
    """The spreads of the three."""
    if not runs:
        return {}
    first, last, memory = (Spread.of(values).json() for values in zip(*runs, strict=True))
    return {"first_request_ms": first, "hundredth_request_ms": last, "peak_memory_mb": memory}
