"""What becomes of a stack when the provider dies: as it is deployed, with the functions as they ship.

CloudFormation invokes a custom resource's function asynchronously. MiniStack's CloudFormation waits for the
function instead, so a function of the tests stands between: it hands each request on as CloudFormation would,
and MiniStack goes on waiting for the answer. From there on all is MiniStack's Lambda: the tries, the pauses
between them (of a second and two, where AWS takes a minute and two), and the OnFailure destination. The
Delete that follows a failed Create MiniStack does not send; the tests do.

What the provider calls goes past ``Passage``, which strikes it at the call that a test chooses.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import resource
import signal
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_cloud import (
    ON_LOCAL_AWS,
    PROVIDER,
    PROVIDER_FUNCTION,
    PROVIDER_LOG_GROUP,
    RESCUE_FUNCTION,
    RESCUE_LOG_GROUP,
    STACK,
    LocalCloud,
    ending_cleanly,
)
from stacks import Account, Stack

ACCOUNT = "777788889999"

# The provider's three tries, the pauses between them, rescue's two looks at the stack ten seconds apart, and
# the answer: far less than a stack would hang.
BOUND = 40
SIGNATURE = "X-Amz-Date=20260313T174952Z&X-Amz-Signature=c5b8"

# Stands for CloudFormation's asynchronous invocation, and gives the URL what a presigned one has.
RELAY = """
import json, os, time, boto3

def handler(event, context):
    path = event["ResponseURL"][event["ResponseURL"].index("/_ministack/"):]
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    event["ResponseURL"] = f"{os.environ['PASSAGE']}{path}?X-Amz-Date={date}&X-Amz-Signature=c5b8"
    boto3.client("lambda").invoke(
        FunctionName=os.environ["PROVIDER"], InvocationType="Event", Payload=json.dumps(event).encode()
    )
"""

# Whether to strike at a call, "before" or "after" it had its effect, when so many tries were struck already.
When = Callable[[str, str, int], bool]

TRIES = 3


class Passage(ThreadingHTTPServer):
    """One port before ``local-aws`` and MiniStack's sink for answers, for the provider and for rescue."""

    daemon_threads = True

    def __init__(self, cloud: LocalCloud) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.cloud = cloud
        # Called for each call, with "before" or "after" it had its effect.
        self.strike: Callable[[str, str], None] = lambda moment, call: None
        # What was put to the sink, oldest first.
        self.answers: list[dict[str, Any]] = []
        self.padding = b""
        self.refuses_answers = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is killed leaves its connections."""


class Passing(BaseHTTPRequestHandler):
    """The calls of :class:`Passage`."""

    protocol_version = "HTTP/1.1"
    server: Passage

    def pass_on(self) -> None:
        passage = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = self.path.split("?", 1)[0]
        is_answer = path.startswith("/_ministack/cfn-response/")
        call = "the answer" if is_answer else f"{self.command} {path}"
        if is_answer and passage.refuses_answers:
            self.answer(503, {}, b"")
            return
        passage.strike("before", call)
        port = passage.cloud.port if is_answer else passage.cloud.bedrock_port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(self.command, path if is_answer else self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if is_answer:
            passage.answers.append(json.loads(body))
        else:
            # White space after a document belongs to it.
            content += passage.padding
        passage.strike("after", call)
        self.answer(response.status, dict(response.getheaders()), content)

    do_GET = do_POST = do_PUT = do_DELETE = pass_on  # noqa: N815 - the names are inherited

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() in ("content-type", "x-amzn-errortype"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        pass


class Deployment:
    """The functions, deployed to a local AWS of their own, and ways for the provider to die."""

    def __init__(self, cloud: LocalCloud, passage: Passage) -> None:
        self.cloud = cloud
        self.passage = passage
        self.functions = cloud.client("lambda")
        self.provider = cloud.deploy()
        here = dict.fromkeys(ON_LOCAL_AWS.values(), passage.url)
        self.configure(PROVIDER_FUNCTION, here)
        self.configure(RESCUE_FUNCTION, here)
        relay = self.functions.create_function(
            FunctionName="relay",
            Runtime="python3.12",
            Handler="index.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/relay",
            Code={"ZipFile": zipped("index.py", RELAY.encode())},
            Environment={"Variables": {"PASSAGE": passage.url, "PROVIDER": PROVIDER_FUNCTION}},
        )
        self.token = relay["FunctionArn"]

    def configure(self, function: str, variables: dict[str, str] | None = None, **settings: Any) -> None:
        """Changes a function's configuration."""
        if variables is not None:
            deployed = self.functions.get_function_configuration(FunctionName=function)
            before = deployed.get("Environment", {}).get("Variables", {})
            settings["Environment"] = {"Variables": {**before, **variables}}
        self.functions.update_function_configuration(FunctionName=function, **settings)

    @contextmanager
    def configured(self, function: str, **settings: Any) -> Iterator[None]:
        """Has a function configured so meanwhile."""
        before = self.functions.get_function_configuration(FunctionName=function)
        self.configure(function, **settings)
        try:
            yield
        finally:
            self.configure(function, **{key: before[key] for key in settings})

    @contextmanager
    def bootstrap(self, content: bytes) -> Iterator[None]:
        """Has the provider's program replaced meanwhile."""
        update = self.functions.update_function_code
        update(FunctionName=PROVIDER_FUNCTION, ZipFile=zipped("bootstrap", content))
        try:
            yield
        finally:
            update(FunctionName=PROVIDER_FUNCTION, ZipFile=zipped("bootstrap", PROVIDER.read_bytes()))

    @contextmanager
    def striking(self, act: Callable[[int], None], when: When, tries: int = TRIES) -> Iterator[list[int]]:
        """Has ``act`` strike so many of the provider's tries; gives the processes that it struck."""
        struck: list[int] = []
        lock = threading.Lock()

        def strike(moment: str, call: str) -> None:
            with lock:
                for process in self.processes():
                    if process in struck or len(struck) == tries:
                        continue
                    if when(moment, call, len(struck)):
                        struck.append(process)
                        with contextlib.suppress(ProcessLookupError):
                            act(process)

        before, self.passage.strike = self.passage.strike, strike
        try:
            yield struck
        finally:
            self.passage.strike = before

    def processes(self) -> list[int]:
        """The provider's."""
        name = f"AWS_LAMBDA_FUNCTION_NAME={PROVIDER_FUNCTION}".encode()
        ours = f"AWS_ENDPOINT_URL={self.cloud.endpoint}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (process / "environ").read_bytes().split(b"\0")
                if name in environment and ours in environment:
                    found.append(int(process.name))
        return found

    def outputs(self) -> dict[str, str]:
        """What the deployment tells of itself."""
        formation = self.cloud.client("cloudformation")
        outputs = formation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        return {each["OutputKey"]: each["OutputValue"] for each in outputs}

    def delete(self, stack_id: str, physical_id: str) -> dict[str, Any]:
        """Sends the Delete that follows a failed Create; gives the answer."""
        known = len(self.passage.answers)
        request = {
            "RequestType": "Delete",
            "RequestId": str(uuid.uuid4()),
            "ResponseURL": f"{self.cloud.endpoint}/_ministack/cfn-response/{uuid.uuid4()}",
            "StackId": stack_id,
            "LogicalResourceId": "Chat",
            "PhysicalResourceId": physical_id,
            "ResourceType": "Custom::InferenceProfile",
            "ResourceProperties": {"ServiceToken": self.provider},
        }
        self.functions.invoke(FunctionName=self.token, Payload=json.dumps(request).encode())
        # A provider that works looks for half a minute for what lagging reads may hide.
        answers: list[dict[str, Any]] = until(
            lambda: self.passage.answers[known:], "the answer to a Delete", seconds=2 * BOUND
        )
        return answers[0]

    def log(self, group: str) -> list[dict[str, Any]]:
        """What a function logged, line by line, without what is not JSON."""
        lines = []
        for line in self.cloud.function_log(group):
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
        return [line for line in lines if isinstance(line, dict)]

    def said_of(self, stack_id: str, message: str) -> list[dict[str, Any]]:
        """The lines of rescue's log with a message, about requests of a stack."""
        log = self.log(RESCUE_LOG_GROUP)
        requests = {line["request_id"] for line in log if line.get("stack_id") == stack_id}
        return [line for line in log if line.get("message") == message and line["request_id"] in requests]


def zipped(name: str, content: bytes) -> bytes:
    """An archive of one program."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        files.writestr(entry, content)
    return archive.getvalue()


def until(condition: Callable[[], Any], what: str, seconds: float = BOUND) -> Any:
    """Waits for something to be true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} seconds: {what}")


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """A deployment of its own: its functions are broken in many ways here."""
    with ending_cleanly(), LocalCloud(name="rescue", account=ACCOUNT) as cloud, Passage(cloud) as passage:
        threading.Thread(target=passage.serve_forever, daemon=True).start()
        yield Deployment(cloud, passage)
        passage.shutdown()


@pytest.fixture
def account(deployment: Deployment) -> Account:
    """What is there."""
    return Account(deployment.cloud)


@pytest.fixture
def stack(deployment: Deployment, account: Account, name: str) -> Iterator[Stack]:
    """A stack that is not created yet. In the end it is deleted, and nothing of it may be left."""
    deployment.passage.answers.clear()
    stack = Stack(deployment.cloud, name)
    yield stack
    if stack.status != "DELETE_COMPLETE":
        assert stack.delete() == "DELETE_COMPLETE", stack.failures()
    assert account.owned_by(stack.id) == ([], [])


@pytest.fixture
def template(deployment: Deployment, name: str) -> dict[str, Any]:
    """A template with a profile, which would have the stack hang for ten minutes."""
    properties = {
        "ServiceToken": deployment.token,
        "ServiceTimeout": 600,
        "InferenceProfileName": name,
        "ModelSource": {"CopyFrom": "us.amazon.nova-lite-v1:0"},
        "Tags": [{"Key": "team", "Value": "a-secret-value"}],
    }
    return {"Resources": {"Chat": {"Type": "Custom::InferenceProfile", "Properties": properties}}}


def kill(process: int) -> None:
    """Ends the provider as Lambda does: at once, and wherever it is."""
    os.kill(process, signal.SIGKILL)


def at_once(moment: str, call: str, tried: int) -> bool:
    """Strikes each try at the first thing that it calls."""
    return moment == "before"


def when_answered(moment: str, call: str, tried: int) -> bool:
    """Strikes each try when its answer has arrived, and it does not know yet."""
    return (moment, call) == ("after", "the answer")


def explains(reason: str, what: str) -> None:
    """A reason says what happened, how often it was tried, what to do and where the log is."""
    for part in (
        what,
        "in the last of 3 tries",
        "run the stack operation again",
        f"The log is in the log group {PROVIDER_LOG_GROUP}, under request id ",
    ):
        assert part in reason, reason


def test_a_provider_that_is_killed_is_answered_for_and_what_it_had_made_goes(
    deployment: Deployment, account: Account, stack: Stack, template: dict[str, Any], name: str
) -> None:
    def when(moment: str, call: str, tried: int) -> bool:
        # The first try at the worst moment, the others at whatever they begin with.
        return moment == "before" if tried else (moment, call) == ("after", "POST /inference-profiles")

    began = time.monotonic()
    with deployment.striking(kill, when) as struck:
        assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert time.monotonic() - began < BOUND
    assert len(struck) == TRIES
    explains(stack.failures()["Chat"], "The provider ended before it had answered")
    (answer,) = deployment.passage.answers
    assert answer["PhysicalResourceId"] == "unknown-for-Chat"
    said = deployment.said_of(stack.id, "what the stack says")
    assert [line["stack_status"] for line in said] == ["CREATE_IN_PROGRESS"] * 2, "asked twice"

    (left,) = account.profiles(name)
    assert left.own_tags["stack-id"] == stack.id, "made, and nobody knows its id"
    assert deployment.delete(stack.id, answer["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert account.owned_by(stack.id) == ([], []), "found by its tags"


def test_a_provider_that_runs_out_of_memory_is_answered_for(
    deployment: Deployment, stack: Stack, template: dict[str, Any]
) -> None:
    """MiniStack limits no memory. Here the provider gets no more of it in the middle of a request, and an
    answer of Bedrock that needs some: its own allocation fails, where Lambda would kill it."""

    def no_more_memory(process: int) -> None:
        resource.prlimit(process, resource.RLIMIT_AS, (1 << 20, 1 << 20))

    deployment.passage.padding = b" " * (8 << 20)
    began = time.monotonic()
    try:
        with deployment.striking(no_more_memory, at_once) as struck:
            assert stack.create(template) == "ROLLBACK_COMPLETE"
    finally:
        deployment.passage.padding = b""
    assert time.monotonic() - began < BOUND
    assert len(struck) == TRIES
    explains(stack.failures()["Chat"], "The provider ended before it had answered")
    log = "\n".join(deployment.cloud.function_log(PROVIDER_LOG_GROUP))
    assert log.count("memory allocation of") == TRIES


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (b"not a program", "The provider could not start"),
        (b"#!/bin/sh\necho out of order >&2\nexit 1\n", "exited during init with code 1"),
    ],
    ids=["broken", "exits"],
)
def test_a_provider_that_cannot_start_is_answered_for_until_it_is_deployed_again(
    deployment: Deployment, stack: Stack, template: dict[str, Any], program: bytes, says: str
) -> None:
    assert stack.create(template) == "CREATE_COMPLETE", stack.failures()
    created = deployment.passage.answers.pop()
    another = Stack(deployment.cloud, f"{stack.name}-another")
    with deployment.bootstrap(program):
        began = time.monotonic()
        assert another.create(template) == "ROLLBACK_COMPLETE"
        assert stack.delete() == "DELETE_FAILED"
        assert time.monotonic() - began < 2 * BOUND
    for each in (another, stack):
        explains(each.failures()["Chat"], says)
    assert another.delete() == "DELETE_COMPLETE"
    assert [(each["Status"], each["PhysicalResourceId"]) for each in deployment.passage.answers] == [
        ("FAILED", "unknown-for-Chat"),
        ("FAILED", created["PhysicalResourceId"]),
    ]
    # The stack is deleted in the end, by a provider that works again.


def test_a_provider_that_is_stopped_at_its_timeout_is_answered_for(
    deployment: Deployment, account: Account, stack: Stack, template: dict[str, Any], name: str
) -> None:
    assert stack.create(template) == "CREATE_COMPLETE", stack.failures()
    before = account.profiles(name)
    deployment.passage.answers.clear()
    template["Resources"]["Chat"]["Properties"]["Tags"] = [{"Key": "team", "Value": "another"}]
    with (
        deployment.configured(PROVIDER_FUNCTION, Timeout=2),
        # It hangs, and its own watch over the time with it.
        deployment.striking(lambda process: os.kill(process, signal.SIGSTOP), at_once) as struck,
    ):
        began = time.monotonic()
        assert stack.update(template) == "UPDATE_ROLLBACK_COMPLETE"
        assert time.monotonic() - began < BOUND
    assert len(struck) == TRIES
    explains(stack.failures()["Chat"], "The provider was stopped at its timeout after 2 seconds")
    assert deployment.passage.answers[0]["Status"] == "FAILED"
    assert deployment.passage.answers[0]["PhysicalResourceId"] == before[0].arn
    assert account.profiles(name) == before


def test_what_was_answered_before_the_provider_died_is_not_answered_again(
    deployment: Deployment, stack: Stack, template: dict[str, Any]
) -> None:
    with deployment.striking(kill, when_answered) as struck:
        assert stack.create(template) == "CREATE_COMPLETE", stack.failures()
        message = "CloudFormation has finished with the request, and gets no answer"
        until(lambda: deployment.said_of(stack.id, message), "rescue's look at the stack")
    assert len(struck) == TRIES
    said = deployment.said_of(stack.id, "what the stack says")
    assert [line["stack_status"] for line in said] == ["CREATE_COMPLETE"]
    # Each try gave the same answer, and nobody gave another.
    assert [each["Status"] for each in deployment.passage.answers] == ["SUCCESS"] * TRIES
    assert len({json.dumps(each) for each in deployment.passage.answers}) == 1


def test_the_deployment_hands_over_what_fails_and_tells_people(deployment: Deployment) -> None:
    config = deployment.functions.get_function_event_invoke_config
    provider = config(FunctionName=PROVIDER_FUNCTION, Qualifier="$LATEST")
    assert provider["MaximumRetryAttempts"] == TRIES - 1
    assert provider["MaximumEventAgeInSeconds"] == 600, "beyond a first and a second try of 300 seconds"
    destination = provider["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination.endswith(f":function:{RESCUE_FUNCTION}")
    rescue = config(FunctionName=RESCUE_FUNCTION, Qualifier="$LATEST")
    assert rescue["MaximumRetryAttempts"] == TRIES - 1
    assert rescue["MaximumEventAgeInSeconds"] == 2400, "what is left of the hour: see test_template.py"
    outputs = deployment.outputs()
    assert outputs["RescueLogGroup"] == RESCUE_LOG_GROUP
    queue = outputs["RescueDeadLetters"].rsplit("/", 1)[1]
    assert rescue["DestinationConfig"]["OnFailure"]["Destination"].endswith(f":{queue}")
    alarms = {
        (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"][0]["Value"])
        for alarm in deployment.cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
        if alarm["AlarmActions"] == [outputs["DigestTopic"]] and alarm["Threshold"] == 1
    }
    assert ("AWS/Lambda", "Invocations", RESCUE_FUNCTION) in alarms
    assert ("AWS/Lambda", "DestinationDeliveryFailures", PROVIDER_FUNCTION) in alarms
    assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue) in alarms


def test_what_cannot_be_answered_even_so_is_kept(deployment: Deployment) -> None:
    event = json.loads((Path(__file__).parent.parent / "events" / "rescue" / "killed.json").read_text())
    request = event["requestPayload"]
    request["StackId"] = request["StackId"].replace("000000000000", ACCOUNT)
    request["ResponseURL"] = f"{deployment.passage.url}/_ministack/cfn-response/nobody?{SIGNATURE}"
    queue = deployment.outputs()["RescueDeadLetters"]
    deployment.passage.refuses_answers = True
    try:
        with deployment.configured(RESCUE_FUNCTION, Timeout=3):
            deployment.functions.invoke(
                FunctionName=RESCUE_FUNCTION, InvocationType="Event", Payload=json.dumps(event).encode()
            )
            sqs = deployment.cloud.client("sqs")
            received = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), "a dead letter")
    finally:
        deployment.passage.refuses_answers = False
    kept = json.loads(received[0]["Body"])
    assert kept["requestPayload"] == event, "from there, an operator can hand it to rescue once more"
    assert "was not delivered in" in kept["responsePayload"]["errorMessage"]
    assert "c5b8" not in kept["responsePayload"]["errorMessage"]


def test_the_logs_hold_no_secret(deployment: Deployment) -> None:
    """Last of all, over what the tests before left."""
    for group in (PROVIDER_LOG_GROUP, RESCUE_LOG_GROUP):
        log = "\n".join(deployment.cloud.function_log(group))
        assert log
        for secret in ("c5b8", "X-Amz-Signature", "a-secret-value"):
            assert secret not in log
