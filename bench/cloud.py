"""The AWS of the measurements: a release build of ``local-aws`` for Bedrock and the tagging API, and
:mod:`bench.services` for all else.

All calls wait equally long: those to ``local-aws`` in ``local-aws`` itself, which costs nothing, the others
in :mod:`bench.front`. Where calls are limited, those to ``local-aws`` go through a door too.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import ROOT, STATE
from local_cloud import ON_LOCAL_AWS, CloudError, LocalCloud, http_json, relative

RELEASED_LOCAL_AWS = ROOT / "target" / "release" / "local-aws"

# The model that every profile of the account is copied from.
MODEL = "amazon.nova-lite-v1:0"

# What is left of `LocalCloud`'s environment to what is measured, besides `AWS_…`.
KEPT = {"HOME", "LANG", "NO_PROXY", "PATH", "TMPDIR", "no_proxy"}

# `local-aws` names an operation, not its service.
SERVICE_OF = {
    "GetResources": "tag",
    "ListCostAllocationTags": "ce",
    "GetServiceQuota": "servicequotas",
}


class Cloud(LocalCloud):
    """``local-aws`` and the doors."""

    def __init__(self, name: str = "bench", local_aws: Path = RELEASED_LOCAL_AWS) -> None:
        super().__init__(name=name)
        # By number.
        self.profiles: dict[int, str] = {}
        self._local_aws = local_aws
        self._doors: dict[str, int] = {}
        self._limited = False
        self._seeder = ThreadPoolExecutor(4)

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts both."""
        if not self._local_aws.exists():
            raise CloudError(f"{relative(self._local_aws)} is missing: run `make released-local-aws`")
        for folder in (self.logs, self._scratch):
            folder.mkdir(parents=True, exist_ok=True)
        place = [f"--account={self.account}", f"--region={self.region}"]
        command = [str(self._local_aws), f"--port={self.bedrock_port}", *place]
        self._spawn("local-aws", command, self.environment())
        doors = {"local-aws": self.bedrock_port, "services": None}
        with self.log("front").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bench.front", json.dumps(doors)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        assert process.stdout is not None
        self._doors = json.loads(process.stdout.readline())
        self._await(f"{self.bedrock_endpoint}/_local/health", "local-aws")
        self.empty()

    def stop(self) -> None:
        """Stops all of it."""
        self._seeder.shutdown(cancel_futures=True)
        super().stop()

    # -- how long calls take, and how many there may be ---------------------------------------------

    def conditions(self, latency_ms: int = 0, calls_a_second: int = 0) -> None:
        """From now on each call takes so long, and so many of each service's a second are answered."""
        self._limited = calls_a_second > 0
        self.control("DELETE", "faults")
        if latency_ms and not self._limited:
            self.control("POST", "faults", {"kind": "delay", "ms": latency_ms})
        settings = {"latency_ms": latency_ms, "calls_a_second": calls_a_second}
        self._front("PUT", "settings", settings)

    def stack(self, stack_id: str, status: str, resources: dict[str, str]) -> None:
        """What CloudFormation tells of the one stack that the provider works for."""
        self._front("PUT", "stack", {"id": stack_id, "status": status, "resources": resources})

    def _front(self, method: str, what: str, body: Any = None) -> Any:
        return http_json(method, f"{self._door('services')}/_front/{what}", body)

    def _door(self, name: str) -> str:
        return f"http://127.0.0.1:{self._doors[name]}"

    # -- where they are -------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """The whole environment of what is measured, with the endpoints by their doors."""
        whole = super().environment().items()
        inherited = {key: value for key, value in whole if key.startswith("AWS_") or key in KEPT}
        if not self._doors:
            return inherited
        local_aws = self._door("local-aws") if self._limited else self.bedrock_endpoint
        return {
            **inherited,
            "AWS_ENDPOINT_URL": self._door("services"),
            **dict.fromkeys(ON_LOCAL_AWS.values(), local_aws),
        }

    # -- what was called --------------------------------------------------------------------------------

    def forget_calls(self) -> None:
        """Counts anew."""
        self.control("DELETE", "calls")
        self._front("DELETE", "calls")

    def calls(self) -> Counter[str]:
        """How often each operation was called, by ``service:Operation``; refused calls are among them."""
        counted: Counter[str] = Counter(self._front("GET", "calls")["calls"])
        if not self._limited:
            # No call has so high a number: the counts alone are wanted.
            told = self.control("GET", f"calls?after={10**15}")["counts"]
            for operation, count in told.items():
                counted[f"{SERVICE_OF.get(operation, 'bedrock')}:{operation}"] += count
        return counted

    def refused(self) -> int:
        """How many calls were refused because there were too many."""
        return sum(self._front("GET", "calls")["refused"].values())

    def answers(self) -> list[dict[str, Any]]:
        """What came to the sink, as CloudFormation would have received it."""
        by_token: dict[str, list[dict[str, Any]]] = self.control("GET", "responses")
        return [answer["body"] for answers in by_token.values() for answer in answers]

    def forget_answers(self) -> None:
        """Empties the sink."""
        self.control("DELETE", "responses")

    # -- the account ------------------------------------------------------------------------------------

    def empty(self) -> None:
        """There is nothing, and calls take no time."""
        self.control("POST", "reset")
        # The quota would only be in the way of the larger accounts.
        self.control("PUT", "switches", {"quota": 1_000_000})
        self._front("DELETE", "services")
        self.conditions()
        self.forget_calls()
        self.profiles.clear()

    def fill(self, count: int) -> None:
        """Makes profiles until there are so many: see :func:`has_owner` and :func:`was_used`. None is of a
        stack, or has a parameter. Then calls take no time, and count anew.

        Of a hundred more than fifty lack the tag, because up to fifty are asked for their tags once more when
        they are minutes old, as all are here and few are in a real account.
        """
        self.conditions()
        numbers = range(len(self.profiles), count)
        for made in self._seeder.map(self._make, [numbers[part::4] for part in range(4)]):
            self.profiles.update(made)
        assert len(self.profiles) == count, f"{len(self.profiles)} of {count} profiles could be made"
        self.forget_calls()
        self._front("PUT", "used", [self.profiles[number] for number in range(count) if was_used(number)])

    def pages(self, size: int) -> None:
        """How many profiles a page of the list has for whoever does not ask for more."""
        self.control("PUT", "switches", {"default_page_size": size})

    def _make(self, numbers: range) -> dict[int, str]:
        connection = http.client.HTTPConnection(self.bedrock_endpoint.removeprefix("http://"))
        source = {"copyFrom": f"arn:aws:bedrock:{self.region}::foundation-model/{MODEL}"}
        made = {}
        for number in numbers:
            tags = {"owner" if has_owner(number) else "team": "a", "managed-by": "terraform"}
            profile = {
                "inferenceProfileName": f"p{number}",
                "modelSource": source,
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            }
            connection.request("POST", "/inference-profiles", json.dumps(profile))
            answer = connection.getresponse()
            told = json.loads(answer.read())
            if answer.status == 201:
                made[number] = told["inferenceProfileArn"].rsplit("/", 1)[1]
        connection.close()
        return made


def has_owner(number: int) -> bool:
    """Whether a profile of a filled account has the tag ``owner``, two of five; others have ``team``."""
    return number % 5 < 2


def was_used(number: int) -> bool:
    """Whether a profile of a filled account was used yesterday, every other one; the others never."""
    return number % 2 == 0


def log_file(name: str) -> Path:
    """Where something that is measured writes its log; emptied."""
    (STATE / "logs").mkdir(parents=True, exist_ok=True)
    path = STATE / "logs" / f"{name}.log"
    path.write_bytes(b"")
    return path
