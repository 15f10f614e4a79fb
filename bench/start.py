"""Start and memory: from the start of the process to the first poll of the runtime API, the first and the
hundredth request, the most memory until then, and the size of what is deployed. All take turns."""

from __future__ import annotations

from typing import Any

from bench.cloud import Cloud, log_file
from bench.contenders import Contender, everybody, in_creation
from bench.progress import Progress
from bench.runtime_api import Function, RuntimeApi
from bench.spread import Spread

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
        for each in contenders:
            with begun(each, cloud, api) as process:
                if number:
                    polls[each.name].append(process.first_poll * 1000)

    for number in range(rounds):
        progress.say(f"{REQUESTS} requests, {number + 1} of {rounds}")
        for each in contenders:
            if each.event is None:
                continue
            requests[each.name].append(hundred(each, cloud, api))

    return {
        "contenders": {
            each.name: {
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
    log = log_file(contender.name.replace(" ", ""))
    environment = contender.environment(cloud)
    return api.start(
        contender.command, environment, name=f"inference-profile-manager-{contender.name}", log=log
    )


def hundred(contender: Contender, cloud: Cloud, api: RuntimeApi) -> tuple[float, float, float]:
    """Milliseconds of the first and the hundredth request, and the most memory until then."""
    assert contender.event is not None
    cloud.empty()
    cloud.forget_answers()
    in_creation(cloud)
    if not contender.is_provider:
        cloud.fill(PROFILES)
    with begun(contender, cloud, api) as process:
        times = [process.invoke(contender.event(number, cloud)).seconds for number in range(REQUESTS)]
        memory = process.peak_memory()
    if contender.is_provider:
        answers = cloud.answers()
        assert len(answers) == REQUESTS, f"{contender.name} answered {len(answers)} of {REQUESTS} requests"
        wanted = "FAILED" if contender.name == "rescue" else "SUCCESS"
        wrong = [each for each in answers if each["Status"] != wanted]
        assert not wrong, f"{contender.name}: {wrong[0]}"
    return times[0] * 1000, times[-1] * 1000, memory


def figures(runs: list[tuple[float, float, float]]) -> dict[str, Any]:
    """The spreads of the three."""
    if not runs:
        return {}
    first, last, memory = (Spread.of(values).json() for values in zip(*runs, strict=True))
    return {"first_request_ms": first, "hundredth_request_ms": last, "peak_memory_mb": memory}
