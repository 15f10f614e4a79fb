"""Every file of ``events/`` is what its name says, put through the built functions as they ship."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import invoke
from local_cloud import RESCUE, RESCUE_FUNCTION, SWEEP, SWEEP_FUNCTION, LocalCloud, free_ports
from stacks import Account

NAMES = sorted(path.stem for path in invoke.EVENTS.glob("*.json"))
RESCUES = sorted(f"{invoke.OF_RESCUE}{path.stem}" for path in invoke.RESCUE_EVENTS.glob("*.json"))
SWEEPS = sorted(f"{invoke.OF_SWEEP}{path.stem}" for path in invoke.SWEEP_EVENTS.glob("*.json"))

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


# What is said of each; of a record that is none nothing is, and the Delete of nothing succeeds.
RESCUED = {
    "rescue/cannot-start": "The provider could not start",
    "rescue/event-age-exceeded": "The provider was not run",
    "rescue/exits": "The provider ended before it had answered",
    "rescue/handler-error": "The provider could not deliver its answer",
    "rescue/killed": "The provider was killed",
    "rescue/malformed-request": "RequestType: «Poke» is not known",
    "rescue/out-of-memory": "The provider ran out of memory",
    "rescue/timeout": "The provider was stopped at its timeout after 300 seconds",
}


@pytest.mark.parametrize("name", RESCUES)
def test_rescue(cloud: LocalCloud, session: tuple[invoke.Session, invoke.Deliver], name: str) -> None:
    run, provider = session
    region = cloud.region
    with invoke.StandIn("127.0.0.1", free_ports(1)[0], cloud.account, region, RESCUE_FUNCTION) as stand_in:
        threading.Thread(target=stand_in.serve_forever, daemon=True).start()
        with invoke.function_process(cloud, stand_in, RESCUE, run.stand_in) as function:
            answer: dict[str, Any] | None = None
            for each, _ in invoke.with_preparation([name]):
                answer = run.run(each, invoke.ByRuntime(stand_in, function) if each == name else provider)
        stand_in.shutdown()

    if name == "rescue/not-a-record":
        assert answer is None
        return
    assert answer is not None
    assert answer["violations"] == []
    body = answer["body"]
    request = json.loads(run.payload(name))["requestPayload"]
    echoed = ("StackId", "RequestId", "LogicalResourceId")
    assert {key: body[key] for key in echoed} == {key: request[key] for key in echoed}
    if name == "rescue/delete-of-nothing":
        assert body["Status"] == "SUCCESS"
        return
    assert body["Status"] == "FAILED"
    assert body["Reason"].startswith(RESCUED[name])
    if name != "rescue/malformed-request":
        created = request["RequestType"] == "Create"
        assert body["PhysicalResourceId"] == (
            "unknown-for-Chat" if created else request["PhysicalResourceId"]
        )


@pytest.fixture
def sweep(
    cloud: LocalCloud, session: tuple[invoke.Session, invoke.Deliver]
) -> Iterator[tuple[invoke.Session, invoke.Deliver]]:
    """The sweep beside it, with something to find: what the provider made, and what people did."""
    run, deliver = session
    region, name = cloud.region, SWEEP_FUNCTION
    with invoke.StandIn("127.0.0.1", free_ports(1)[0], cloud.account, region, name) as stand_in:
        threading.Thread(target=stand_in.serve_forever, daemon=True).start()
        with invoke.function_process(cloud, stand_in, SWEEP, run.stand_in) as function:
            run.run("create", deliver)
            run.neglect()
            yield run, invoke.ByRuntime(stand_in, function)
        cloud.client("bedrock").delete_inference_profile(inferenceProfileIdentifier=run.by_hand)
        stand_in.shutdown()


# What each event finds of these two rules, and what it does about the overwritten parameter.
BOTH = {("parameter-drift", "support chat"), ("untagged", "experiment")}
FOUND = {
    "sweep/scheduled": (BOTH, {}),
    "sweep/scheduled-event": (BOTH, {}),
    "sweep/other-thresholds": (BOTH, {}),
    "sweep/some-rules": ({("untagged", "experiment")}, {}),
    "sweep/dry-run": (BOTH, {"republish": "would-be-done"}),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_sweep(
    sweep: tuple[invoke.Session, invoke.Deliver], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    _, deliver = sweep
    how, result = deliver(name, invoke.event_text(name))
    invoke.show_sweep(name, how, result)
    shown = capsys.readouterr().out
    if "fails-" in name:
        assert how == "error"
        assert "Perhaps you mean" in shown
        return
    assert how == "response", shown
    report = json.loads(result)
    # Other tests' profiles may be there as well.
    ours = {"support chat", "experiment"}
    rules = {"parameter-drift", "untagged"}
    found = {(each["rule"], each["resource"]["name"]) for each in report["findings"]}
    assert {each for each in found if each[0] in rules and each[1] in ours} == FOUND[name][0]
    outcomes = {each["action"]: each["outcome"] for each in report["actions"] if each["name"] in ours}
    assert outcomes == FOUND[name][1]
    assert report["dryRun"] == (name == "sweep/dry-run")
    for rule, resource in FOUND[name][0]:
        assert rule in shown
        assert resource in shown
