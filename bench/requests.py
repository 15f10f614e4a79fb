"""What CloudFormation sends: the events of `make invoke`, each for a resource of its own."""

from __future__ import annotations

import json
import uuid

from bench import ROOT

EVENTS = ROOT / "events" / "provider"

STACK_ID = "arn:aws:cloudformation:us-east-1:000000000000:stack/demo/3b5f7a10-c8f7-11f0-9d2b-0e5f1a2b3c4d"


def logical_id(number: int) -> str:
    """The logical id of the so-manieth resource."""
    return f"Chat{number}"


def request(event: str, number: int, sink: str, physical_id: str = "") -> bytes:
    """An event of ``events/provider``, for another resource and its profile."""
    asked = json.loads((EVENTS / f"{event}.json").read_text())
    asked["LogicalResourceId"] = logical_id(number)
    asked["RequestId"] = str(uuid.uuid4())
    asked["ResponseURL"] = f"{sink}/_local/responses/{asked['RequestId']}"
    for properties in ("ResourceProperties", "OldResourceProperties"):
        if properties in asked:
            asked[properties]["InferenceProfileName"] += f" {number}"
    if "PhysicalResourceId" in asked:
        asked["PhysicalResourceId"] = physical_id
    return json.dumps(asked).encode()


def failed_invocation(number: int, sink: str) -> bytes:
    """What Lambda tells the provider's OnFailure destination of a Create that was never run.

    Of one that was, rescue asks the stack twice, ten seconds apart.
    """
    return json.dumps(
        {
            "version": "1.0",
            "timestamp": "2026-11-25T06:00:00.000Z",
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": (
                    "arn:aws:lambda:us-east-1:000000000000:function:inference-profile-manager-provider:$LATEST"
                ),
                "condition": "EventAgeExceeded",
                "approximateInvokeCount": 0,
            },
            "requestPayload": json.loads(request("create", number, sink)),
        }
    ).encode()
