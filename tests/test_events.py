"""Every file of ``events/provider/`` is what its name says, put through the built function as it ships."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import invoke
from local_cloud import LocalCloud, free_ports
from stacks import Account

NAMES = sorted(path.stem for path in invoke.EVENTS.glob("*.json"))

# There is no trustworthy place to send an answer to.
UNANSWERED = {"fails-foreign-response-host", "fails-missing-response-url", "fails-not-an-object"}


@pytest.fixture
def session(cloud: LocalCloud) -> Iterator[tuple[invoke.Session, invoke.Deliver]]:
    """The built function on a runtime API, with nothing made yet."""
    cloud.control("DELETE", "responses")
    with invoke.StandIn("127.0.0.1", free_ports(1)[0], cloud.account, cloud.region) as stand_in:
        threading.Thread(target=stand_in.serve_forever, daemon=True).start()
        with invoke.function_process(cloud, stand_in) as function:
            session = invoke.Session(cloud, stand_in)
            deliver = invoke.ByRuntime(stand_in, function)
            yield session, deliver
            for each in ("update-tags", "delete"):
                if session.profiles:
                    session.run(each, deliver)
        stand_in.shutdown()


@pytest.mark.parametrize("name", NAMES)
def test_event(session: tuple[invoke.Session, invoke.Deliver], name: str) -> None:
    run, deliver = session
    answer: dict[str, Any] | None = None
    for each, _ in invoke.with_preparation([name]):
        answer = run.run(each, deliver)

    if name in UNANSWERED:
        assert answer is None
        return
    assert answer is not None
    assert answer["violations"] == []
    body = answer["body"]
    event = json.loads(run.payload(name))
    echoed = ("StackId", "RequestId", "LogicalResourceId")
    assert {key: body[key] for key in echoed} == {key: event[key] for key in echoed}
    assert body["Status"] == ("FAILED" if name.startswith("fails-") else "SUCCESS"), body
    if event["RequestType"] == "Delete":
        assert body["PhysicalResourceId"] == event["PhysicalResourceId"]


def test_a_repeated_delivery_gets_the_same_answer(
    session: tuple[invoke.Session, invoke.Deliver], account: Account
) -> None:
    run, deliver = session
    first, again = run.run("create", deliver), run.run("create-repeated", deliver)
    assert first is not None
    assert again is not None
    assert first["body"] == again["body"]
    assert [each.arn for each in account.profiles("support chat")] == [first["body"]["PhysicalResourceId"]]
