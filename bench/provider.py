"""The provider's requests: wall time at 0 and 20 ms a call, calls of AWS, and processor instructions.

The process is warm: one life of a resource goes before. Peers do only the Create, and less in it."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from bench.cloud import Cloud
from bench.contenders import (
    Contender,
    MissingError,
    binary,
    everybody,
    function,
    in_creation,
    in_turn,
)
from bench.instructions import counted
from bench.progress import Progress
from bench.requests import STACK_ID, logical_id, request
from bench.runtime_api import Function, FunctionFailedError, RuntimeApi
from bench.spread import Spread
from local_cloud import PROVIDER_FUNCTION

LATENCIES_MS = (0, 20)

# One life of a resource: what is asked, by which event, in which state of the stack.
LIFE = (
    ("Create", "create", "CREATE_IN_PROGRESS"),
    ("in-place Update", "update-tags", "UPDATE_IN_PROGRESS"),
    ("replacement", "update-model", "UPDATE_IN_PROGRESS"),
    ("Delete of the replaced", "delete-replaced", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    ("Delete", "delete", "DELETE_IN_PROGRESS"),
)

NUMBERS = itertools.count(1)


class Life:
    """One resource from its Create to its Delete."""

    def __init__(self, cloud: Cloud, process: Function) -> None:
        self._cloud = cloud
        self._process = process
        self._number = next(NUMBERS)
        self._replaced = self._current = ""
        self.calls: dict[str, Counter[str]] = {}

    def step(self, what: str, event: str, status: str) -> float:
        """The next request; gives its seconds."""
        resources = {logical_id(self._number): self._current} if self._current else {}
        self._cloud.stack(STACK_ID, status, resources)
        self._cloud.forget_calls()
        self._cloud.forget_answers()
        physical_id = self._replaced if event == "delete-replaced" else self._current
        payload = request(event, self._number, self._cloud.bedrock_endpoint, physical_id)
        seconds = self._process.invoke(payload).seconds
        self.calls[what] = self._cloud.calls()
        (answer,) = self._cloud.answers()
        assert answer["Status"] == "SUCCESS", answer
        if answer["PhysicalResourceId"] != self._current and not event.startswith("delete"):
            self._replaced, self._current = self._current, answer["PhysicalResourceId"]
        return seconds


def measure(cloud: Cloud, api: RuntimeApi, *, quick: bool, progress: Progress) -> dict[str, Any]:
    """The figures of each request, by its name."""
    lives = 3 if quick else 25
    requests: dict[str, Any] = {what: {} for what, *_ in LIFE}
    for latency in LATENCIES_MS:
        progress.say(f"{lives} resources at {latency} ms a call")
        times, calls = lived(cloud, api, latency, lives)
        for what, seconds in times.items():
            requests[what][f"ms_at_{latency}"] = Spread.of(each * 1000 for each in seconds).json()
            requests[what]["calls"] = dict(sorted(calls[what].items()))
    for figures in requests.values():
        # What waits for what: the latency is paid once for each round of calls.
        figures["rounds"] = rounds(figures)
    contenders, missing = everybody()
    peers = [each for each in contenders if not each.is_ours]
    of_peers: dict[str, Any] = {}
    in_turn(
        peers,
        missing,
        lambda each: of_peers.update({each.name: creates(each, cloud, api, lives, progress)}),
    )
    result: dict[str, Any] = {"requests": requests, "peers": of_peers, "not_measured": missing}
    try:
        result["instructions"] = instructions(cloud, api, progress)
    except (MissingError, FunctionFailedError) as error:
        missing["instructions"] = str(error)
    return result


def rounds(figures: dict[str, Any]) -> int:
    """How many calls waited for one another; by the fastest runs. A call takes its latency and a little more,
    never less, so what is left of a division is no round."""
    added = figures["ms_at_20"]["least"] - figures["ms_at_0"]["least"]
    return min(int(added / LATENCIES_MS[1] + 0.1), sum(figures["calls"].values()))


def lived(
    cloud: Cloud, api: RuntimeApi, latency: int, lives: int
) -> tuple[dict[str, list[float]], dict[str, Counter[str]]]:
    """Seconds and calls of each request."""
    cloud.empty()
    cloud.conditions(latency)
    times: dict[str, list[float]] = {what: [] for what, *_ in LIFE}
    calls: dict[str, Counter[str]] = {}
    with provider(cloud, api) as process:
        for number in range(lives + 1):
            life = Life(cloud, process)
            for what, event, status in LIFE:
                seconds = life.step(what, event, status)
                if number:
                    times[what].append(seconds)
            calls = life.calls
    return times, calls


def provider(cloud: Cloud, api: RuntimeApi) -> Function:
    """The function as it ships, after its first poll."""
    ours = function("provider")
    return api.start(ours.command, ours.environment(cloud), name=PROVIDER_FUNCTION, log=ours.log())


def creates(peer: Contender, cloud: Cloud, api: RuntimeApi, count: int, progress: Progress) -> dict[str, Any]:
    """A peer's Create, by latency."""
    figures = {}
    for latency in LATENCIES_MS:
        progress.say(f"{peer.name}, {count} Creates at {latency} ms a call")
        cloud.empty()
        cloud.conditions(latency)
        in_creation(cloud)
        assert peer.event is not None
        with api.start(peer.command, peer.environment(cloud), name=peer.name, log=peer.log()) as process:
            process.invoke(peer.event(next(NUMBERS), cloud))
            seconds = []
            for _ in range(count):
                cloud.forget_calls()
                cloud.forget_answers()
                seconds.append(process.invoke(peer.event(next(NUMBERS), cloud)).seconds)
                peer.check(cloud.answers(), 1)
        figures[f"ms_at_{latency}"] = Spread.of(each * 1000 for each in seconds).json()
        figures["calls"] = dict(sorted(cloud.calls().items()))
    figures["rounds"] = rounds(figures)
    return figures


def instructions(cloud: Cloud, api: RuntimeApi, progress: Progress, steps: int = 7) -> dict[str, int]:
    """Of the start, of the first Create of a process, and of each request of a second resource; of the first
    ``steps`` of these."""
    names = ["start", "first Create", *(what for what, *_ in LIFE)][:steps]
    totals = [0]
    for number, name in enumerate(names):
        progress.say(f"instructions: {name}")
        cloud.empty()

        def play(process: Function, number: int = number) -> None:
            if number > 0:
                Life(cloud, process).step(*LIFE[0])
            second = Life(cloud, process)
            for step in LIFE[: max(0, number - 1)]:
                second.step(*step)

        environment = function("provider").environment(cloud)
        totals.append(counted(api, binary("provider"), environment, PROVIDER_FUNCTION, play))
    return {
        name: after - before for name, (before, after) in zip(names, itertools.pairwise(totals), strict=True)
    }
