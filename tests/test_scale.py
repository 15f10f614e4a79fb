"""The sweep of ten thousand profiles, as it ships, with a latency as that of AWS."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud import SWEEP_FUNCTION, LocalCloud, ending_cleanly
from seeded import LITE

PROFILES = 10_000
LATENCY_MS = 20
# What the template gives the function.
MEMORY_MB = 256


@pytest.fixture(scope="module")
def large() -> Iterator[LocalCloud]:
    """An account of many profiles, half of them without an owner."""
    with ending_cleanly(), LocalCloud(name="large", account="222233334444") as cloud:
        cloud.deploy(RequiredTags="owner")
        cloud.control("PUT", "switches", {"quota": 2 * PROFILES})
        with ThreadPoolExecutor(4) as pool:
            for made in pool.map(lambda part: make(cloud, part), range(4)):
                assert made == PROFILES // 4
        cloud.control("POST", "faults", {"kind": "delay", "ms": LATENCY_MS, "probability": 1.0})
        yield cloud


def make(cloud: LocalCloud, part: int) -> int:
    """A quarter of the profiles; the SDK would take minutes."""
    connection = http.client.HTTPConnection(cloud.bedrock_endpoint.removeprefix("http://"))
    source = {"copyFrom": f"arn:aws:bedrock:{cloud.region}::foundation-model/{LITE}"}
    made = 0
    for number in range(part, PROFILES, 4):
        tag = {"key": "owner" if number % 8 < 4 else "team", "value": "a"}
        profile = {"inferenceProfileName": f"p{number}", "modelSource": source, "tags": [tag]}
        connection.request("POST", "/inference-profiles", json.dumps(profile))
        answer = connection.getresponse()
        answer.read()
        made += answer.status == 201
    return made


class Peak:
    """The most memory that the function's process took, looked at again and again."""

    def __init__(self, function: str) -> None:
        self.megabytes = 0.0
        self._name = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                self._look(process)

    def _look(self, process: Path) -> None:
        try:
            if self._name not in (process / "environ").read_bytes().split(b"\0"):
                return
            if not (process / "exe").readlink().name.startswith("bootstrap"):
                return
            lines = (process / "status").read_text().splitlines()
        except OSError:
            return  # it ended meanwhile, or is somebody else's
        peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)
        self.megabytes = max(self.megabytes, peak / 1024)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_ten_thousand_profiles_fit_the_functions_memory_and_few_calls(large: LocalCloud) -> None:
    large.control("DELETE", "calls")
    with Peak(SWEEP_FUNCTION) as peak:
        result = large.sweep({})
    assert result["complete"], result["regions"]
    assert result["profiles"] == PROFILES
    assert result["counts"]["missing-required-tag"] == PROFILES // 2
    assert result["findingsOmitted"] > 0, "what does not fit the result is in the report"
    assert 20 < peak.megabytes <= MEMORY_MB
    calls = Counter(call["operation"] for call in large.control("GET", "calls")["calls"])
    assert calls["ListInferenceProfiles"] == PROFILES // 1000 + 1, "1,000 on a page, and the system profiles"
    assert calls["GetResources"] == PROFILES // 100, "100 profiles a call"
    assert sum(calls.values()) <= PROFILES // 1000 + PROFILES // 100 + 5, calls
