"""What the functions and their peers ask of AWS beside Bedrock: as much of each service as they do ask.

An emulator takes some milliseconds for each of these calls, and a hundred for a large one: more than the
functions take by themselves, so that it would be what is measured. Here it is tenths of one. CloudFormation
has one stack, that of `make invoke`, whose state the caller sets; CloudWatch tells of one invocation
yesterday for each id that the caller names.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import cbor2

from invoke import Stack

DAY = 86_400
METRICS_A_PAGE = 500

JSON = {"content-type": "application/x-amz-json-1.1"}
XML = {"content-type": "text/xml"}
CBOR = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}

Answer = tuple[int, Mapping[str, str], bytes]


class RefusedError(Exception):
    """The service's error, by its code."""


@dataclass
class Parameter:
    """A parameter."""

    value: str
    version: int = 1
    tags: dict[str, str] = field(default_factory=dict)


class Services:
    """All of them."""

    def __init__(self) -> None:
        self.stack = Stack()
        self.parameters: dict[str, Parameter] = {}
        self.objects: dict[str, bytes] = {}
        self.used: list[str] = []
        self._used: set[str] = set()

    def use(self, ids: list[str]) -> None:
        """Profiles that were invoked yesterday."""
        self.used, self._used = ids, set(ids)

    def empty(self) -> None:
        """As at the start."""
        self.__init__()  # type: ignore[misc]

    def answer(self, service: str, operation: str, path: str, body: bytes) -> Answer:
        """Status, headers and body."""
        if service == "s3":
            return self._s3(operation, path, body)
        # Not every SDK speaks CBOR to CloudWatch.
        if service == "cloudwatch" and body[:1] != b"{":
            answer = getattr(self, f"_{operation}")(cbor2.loads(body))
            return 200, CBOR, cbor2.dumps(answer)
        if service == "cloudformation":
            form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            status, xml = self.stack.describe(form)
            return status, XML, xml.encode()
        if service in ("sns", "sts"):
            return 200, XML, getattr(self, f"_{operation}")().encode()
        asked = json.loads(body)
        try:
            answer = getattr(self, f"_{operation}", self._unknown)(asked)
        except RefusedError as error:
            said = {"__type": str(error), "message": f"{operation}: {asked.get('Name', '')}"}
            return 400, JSON, json.dumps(said).encode()
        return 200, JSON, json.dumps(answer).encode()

    def _unknown(self, _asked: dict[str, Any]) -> Any:
        raise RefusedError("UnknownOperationException")

    # -- S3, SNS, EventBridge, STS ---------------------------------------------------------------------

    def _s3(self, operation: str, path: str, body: bytes) -> Answer:
        key = path.split("?")[0]
        if operation == "PutObject":
            self.objects[key] = body
            return 200, {"etag": '"0"'}, b""
        if key in self.objects:
            return 200, {"etag": '"0"', "content-type": "application/octet-stream"}, self.objects[key]
        return 404, XML, b"<Error><Code>NoSuchKey</Code><Message>It is not there.</Message></Error>"

    def _Publish(self) -> str:  # noqa: N802 - these are the operations' names
        return "<PublishResponse><PublishResult><MessageId>0</MessageId></PublishResult></PublishResponse>"

    def _GetCallerIdentity(self) -> str:  # noqa: N802
        who = "<Arn>arn:aws:sts::000000000000:assumed-role/a/b</Arn><UserId>a</UserId>"
        return (
            f"<GetCallerIdentityResponse><GetCallerIdentityResult>{who}<Account>000000000000</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )

    def _PutEvents(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "0"} for _ in asked["Entries"]]}

    # -- CloudWatch ------------------------------------------------------------------------------------

    def _ListMetrics(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        begin = int(asked.get("NextToken", "0"))
        end = begin + METRICS_A_PAGE
        metrics = [
            {
                "Namespace": asked["Namespace"],
                "MetricName": asked["MetricName"],
                "Dimensions": [{"Name": "ModelId", "Value": used}],
            }
            for used in self.used[begin:end]
        ]
        more = {"NextToken": str(end)} if end < len(self.used) else {}
        return {"Metrics": metrics, **more}

    def _GetMetricData(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        results = []
        for query in asked["MetricDataQueries"]:
            (dimension,) = query["MetricStat"]["Metric"]["Dimensions"]
            is_used = dimension["Value"] in self._used
            results.append(
                {
                    "Id": query["Id"],
                    "Label": dimension["Value"],
                    "Timestamps": [cbor2.CBORTag(1, yesterday())] if is_used else [],
                    "Values": [1.0] if is_used else [],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results, "Messages": []}

    def _GetMetricStatistics(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        (dimension,) = asked["Dimensions"]
        point = {"Timestamp": yesterday(), "Sum": 1.0, "Unit": "Count"}
        points = [point] if dimension["Value"] in self._used else []
        return {"Label": asked["MetricName"], "Datapoints": points}

    # -- Parameter Store -------------------------------------------------------------------------------

    def _named(self, name: str, missing: str = "ParameterNotFound") -> Parameter:
        if name not in self.parameters:
            raise RefusedError(missing)
        return self.parameters[name]

    def _DescribeParameters(self, _asked: dict[str, Any]) -> Any:  # noqa: N802
        return {"Parameters": [{"Name": name, "Type": "String"} for name in self.parameters]}

    def _GetParameters(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        found = [
            {
                "Name": name,
                "Type": "String",
                "Value": self.parameters[name].value,
                "Version": self.parameters[name].version,
            }
            for name in asked["Names"]
            if name in self.parameters
        ]
        missing = [name for name in asked["Names"] if name not in self.parameters]
        return {"Parameters": found, "InvalidParameters": missing}

    def _PutParameter(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        name = asked["Name"]
        if not asked.get("Overwrite"):
            if name in self.parameters:
                raise RefusedError("ParameterAlreadyExists")
            tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", [])}
            self.parameters[name] = Parameter(asked["Value"], tags=tags)
        elif name in self.parameters:
            self.parameters[name].value = asked["Value"]
            self.parameters[name].version += 1
        else:
            self.parameters[name] = Parameter(asked["Value"])
        return {"Version": self.parameters[name].version, "Tier": "Standard"}

    def _DeleteParameter(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        self._named(asked["Name"])
        del self.parameters[asked["Name"]]
        return {}

    def _ListTagsForResource(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        tags = self._named(asked["ResourceId"], "InvalidResourceId").tags
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _AddTagsToResource(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        tags = self._named(asked["ResourceId"], "InvalidResourceId").tags
        tags.update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})
        return {}

    def _RemoveTagsFromResource(self, asked: dict[str, Any]) -> Any:  # noqa: N802
        tags = self._named(asked["ResourceId"], "InvalidResourceId").tags
        for key in asked["TagKeys"]:
            tags.pop(key, None)
        return {}


def yesterday() -> float:
    """Its first instant, in Unix seconds."""
    return (time.time() // DAY - 1) * DAY
