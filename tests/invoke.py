"""Puts events through the built functions and shows what comes of them.

An event of ``events/provider/`` goes through the provider, and what CloudFormation would receive is shown;
so is for one of ``events/rescue/``, named ``rescue/…``, which goes through the function that answers when the
provider died.
One of ``events/sweep/``, named ``sweep/…``, goes through the sweep, and its findings are shown.

Used by `make invoke` (the built function against a small Lambda runtime API) and by `make sam-local` (the
same by `sam local invoke`, in a container). Bedrock is ``local-aws``, whose response sink stands for
CloudFormation's bucket; Parameter Store and the rest are MiniStack. The one thing that an event cannot bring
with it, the stack that it is about, is told by a stand-in here.

An event that speaks of a profile made earlier needs the events that make it; they are run first. A sweep
needs something to find: a profile of a stack, whose parameter somebody overwrote, and one made by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from local_cloud import (
    BUILT_TEMPLATE,
    ON_LOCAL_AWS,
    PROVIDER,
    PROVIDER_FUNCTION,
    RESCUE,
    RESCUE_FUNCTION,
    ROOT,
    STOP_TIMEOUT,
    SWEEP,
    SWEEP_FUNCTION,
    CloudError,
    LocalCloud,
    architecture,
    ending_cleanly,
    free_ports,
    relative,
    stop_group,
    tool,
    uninterrupted,
)
from screen import Screen, findings_table

EVENTS = ROOT / "events" / "provider"
RESCUE_EVENTS = ROOT / "events" / "rescue"
SWEEP_EVENTS = ROOT / "events" / "sweep"
OF_RESCUE = "rescue/"
OF_SWEEP = "sweep/"

# What stands in the event files: the account, the sink, and the profiles that events before them make.
ACCOUNT = "000000000000"
SINK = "127.0.0.1:4599"
PROFILES = ("profile00001", "profile00002")
MADE_BY = {"profile00001": "create", "profile00002": "update-model"}

# `sam local invoke` knows no other account.
SAM_ACCOUNT = "012345678912"
CONTAINER_HOST = "host.docker.internal"

TIMEOUT = 300

STATUS_BY_EVENT = {
    "delete-replaced": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "update-model-rolled-back": "UPDATE_ROLLBACK_IN_PROGRESS",
    "delete-of-failed-create": "ROLLBACK_IN_PROGRESS",
    "delete-of-unanswered-create": "ROLLBACK_IN_PROGRESS",
}
STATUS_BY_TYPE = {
    "Create": "CREATE_IN_PROGRESS",
    "Update": "UPDATE_IN_PROGRESS",
    "Delete": "DELETE_IN_PROGRESS",
}


@dataclass
class Stack:
    """The stack that the events are about, as CloudFormation would describe it."""

    id: str = ""
    status: str = "CREATE_IN_PROGRESS"
    resources: dict[str, str] = field(default_factory=dict)

    def describe(self, form: dict[str, str]) -> tuple[int, str]:
        """Answers what the functions ask: of all stacks there is this one, if any."""
        action, stack_id = form.get("Action", ""), form.get("StackName", self.id)
        name = stack_id.split("/")[1] if "/" in stack_id else stack_id
        logical_id = form.get("LogicalResourceId", "")
        if action == "DescribeStacks":
            member = (
                f"<member><StackId>{escape(stack_id)}</StackId><StackName>{escape(name)}</StackName>"
                f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{self.status}</StackStatus>"
                "</member>"
            )
            return 200, (
                f"<DescribeStacksResponse><DescribeStacksResult><Stacks>{member if stack_id else ''}</Stacks>"
                "</DescribeStacksResult></DescribeStacksResponse>"
            )
        if action == "ListStackResources":
            members = "".join(
                f"<member><LogicalResourceId>{escape(logical_id)}</LogicalResourceId>"
                f"<PhysicalResourceId>{escape(physical_id)}</PhysicalResourceId>"
                "<ResourceType>Custom::InferenceProfile</ResourceType>"
                "<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp>"
                "<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
                for logical_id, physical_id in self.resources.items()
            )
            return 200, (
                "<ListStackResourcesResponse><ListStackResourcesResult>"
                f"<StackResourceSummaries>{members}</StackResourceSummaries>"
                "</ListStackResourcesResult></ListStackResourcesResponse>"
            )
        if action == "DescribeStackResource":
            return 200, (
                "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>"
                f"<LogicalResourceId>{escape(logical_id)}</LogicalResourceId>"
                f"<PhysicalResourceId>{escape(self.resources.get(logical_id, ''))}</PhysicalResourceId>"
                "<ResourceType>Custom::InferenceProfile</ResourceType>"
                "<LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp>"
                f"<ResourceStatus>{self.status.removesuffix('_CLEANUP_IN_PROGRESS')}</ResourceStatus>"
                "</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>"
            )
        return 400, (
            "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"
            f"<Message>{escape(action)} is not known here</Message></Error></ErrorResponse>"
        )


class StandIn(ThreadingHTTPServer):
    """A Lambda runtime API for one function, and CloudFormation for its stack, on one port."""

    daemon_threads = True

    def __init__(
        self, host: str, port: int, account: str, region: str, function: str = PROVIDER_FUNCTION
    ) -> None:
        super().__init__((host, port), Handler)
        self.stack = Stack()
        self.function_arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
        self.events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.results: queue.Queue[tuple[str, bytes]] = queue.Queue()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is ended leaves its connections; all else is a defect here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def invoke(self, payload: bytes, function: subprocess.Popen[bytes]) -> tuple[str, bytes]:
        """Hands an event to the function: ``("response" | "error" | "exit", what it gave)``."""
        self.events.put((str(uuid.uuid4()), payload))
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return self.results.get(timeout=0.1)
            if function.poll() is not None:
                return "exit", f"the function ended with {function.returncode}".encode()
        return "exit", f"the function did not end within {TIMEOUT} seconds".encode()


class Handler(BaseHTTPRequestHandler):
    """The requests of :class:`StandIn`."""

    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_GET(self) -> None:
        if not self.path.endswith("/runtime/invocation/next"):
            self.answer(404, b"")
            return
        request_id, payload = self.server.events.get()
        self.answer(
            200,
            payload,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self.server.function_arn,
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if re.search(r"/runtime/(invocation/[^/]+|init)/(response|error)$", self.path):
            self.server.results.put((self.path.rsplit("/", 1)[1], body))
            self.answer(202, b"")
            return
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        status, xml = self.server.stack.describe(form)
        self.answer(status, xml.encode(), {"Content-Type": "text/xml"})

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        pass


class Session:
    """Events, one after another, over one local AWS."""

    def __init__(self, cloud: LocalCloud, stand_in: StandIn) -> None:
        self.cloud = cloud
        self.stand_in = stand_in
        self.profiles: list[str] = []
        self.by_hand = ""
        self.host = "127.0.0.1"

    def payload(self, name: str) -> str:
        """An event as this run needs it: its account, its sink and the profiles that were made."""
        text = event_text(name)
        text = text.replace(SINK, f"{self.host}:{self.cloud.bedrock_port}")
        text = text.replace(ACCOUNT, self.cloud.account)
        for placeholder, made in zip(PROFILES, self.profiles, strict=False):
            text = text.replace(placeholder, made)
        return text

    def run(self, name: str, deliver: Deliver) -> dict[str, Any] | None:
        """Delivers an event; gives what CloudFormation received, if it did."""
        text = self.payload(name)
        event = json.loads(text)
        if name.startswith(OF_RESCUE):
            event = event.get("requestPayload", event)
        kind = event.get("RequestType", "") if isinstance(event, dict) else ""
        self.stand_in.stack.id = event.get("StackId", "") if isinstance(event, dict) else ""
        self.stand_in.stack.status = STATUS_BY_EVENT.get(name, STATUS_BY_TYPE.get(kind, "CREATE_IN_PROGRESS"))
        before = len(self.received())
        how, result = deliver(name, text)
        received = self.received()[before:]
        if how != "response":
            print(f"   the function's own result: {how}: {result.decode(errors='replace').strip()}")
        if not received:
            return None
        answer: dict[str, Any] = received[-1]
        body = answer["body"]
        physical_id = body.get("PhysicalResourceId", "")
        if body.get("Status") == "SUCCESS" and kind != "Delete":
            self.stand_in.stack.resources[body["LogicalResourceId"]] = physical_id
            made = physical_id.rsplit("/", 1)[-1]
            if made not in self.profiles:
                self.profiles.append(made)
        return answer

    def neglect(self) -> None:
        """What people do beside the stack: something for the sweep to find."""
        self.stand_in.stack.status = "CREATE_COMPLETE"
        ssm, bedrock = self.cloud.client("ssm"), self.cloud.client("bedrock")
        for arn in self.stand_in.stack.resources.values():
            tags = {
                each["key"]: each["value"] for each in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]
            }
            if name := tags.get("inference-profile-manager:parameter"):
                ssm.put_parameter(Name=name, Value="amazon.nova-lite-v1:0", Type="String", Overwrite=True)
        source = f"arn:aws:bedrock:{self.cloud.region}::foundation-model/amazon.nova-lite-v1:0"
        made = bedrock.create_inference_profile(
            inferenceProfileName="experiment", modelSource={"copyFrom": source}
        )
        self.by_hand = made["inferenceProfileArn"]

    def received(self) -> list[dict[str, Any]]:
        """All that came to the sink, oldest first."""
        by_token: dict[str, list[dict[str, Any]]] = self.cloud.control("GET", "responses")
        answers = [answer for answers in by_token.values() for answer in answers]
        return sorted(answers, key=lambda answer: answer["at"])


class Deliver:
    """Hands an event to the function."""

    def __call__(self, name: str, text: str) -> tuple[str, bytes]:
        raise NotImplementedError


class ByRuntime(Deliver):
    """The built function as a process, on the stand-in's runtime API."""

    def __init__(self, stand_in: StandIn, function: subprocess.Popen[bytes]) -> None:
        self.stand_in = stand_in
        self.function = function

    def __call__(self, name: str, text: str) -> tuple[str, bytes]:
        return self.stand_in.invoke(text.encode(), self.function)


class BySam(Deliver):
    """`sam local invoke`: the built function in a container of Lambda's own image."""

    def __init__(
        self, cloud: LocalCloud, function: str, endpoints: dict[str, str], options: list[str]
    ) -> None:
        self.cloud = cloud
        self.function = function
        # To `sam` a reference is the name of what it refers to: there is no such bucket, topic or bus.
        nowhere = {"REPORT_BUCKET": "", "DIGEST_TOPIC": "", "EVENT_BUS": ""}
        variables = BUILT_TEMPLATE.with_name("sam-local.json")
        variables.write_text(json.dumps({"SweepFunction": nowhere}))
        self.options = [f"--env-vars={variables}", *options]
        # Those of its own environment would take precedence over the template's. `sam` itself, on this side
        # of the container, asks STS for the account, and would try for seconds if that were out of reach.
        self.environment = {**cloud.environment(), **endpoints, "AWS_ENDPOINT_URL_STS": cloud.endpoint}
        cloud.log("sam-local").write_bytes(b"")
        self.template = BUILT_TEMPLATE.with_name("sam-local.yaml")
        # A container gets only those variables that the template names.
        text = BUILT_TEMPLATE.read_text()
        self.template.write_text(
            re.sub(
                r"^( *)Variables:\n",
                lambda found: (
                    found.group(0)
                    + "".join(f"{found.group(1)}  {key}: {value}\n" for key, value in endpoints.items())
                ),
                text,
                flags=re.MULTILINE,
            )
        )

    def __call__(self, name: str, text: str) -> tuple[str, bytes]:
        command = [
            tool("sam"),
            "local",
            "invoke",
            self.function,
            f"--template={self.template}",
            "--event=-",
            f"--add-host={CONTAINER_HOST}:host-gateway",
            f"--parameter-overrides=Architecture={architecture()}",
            *self.options,
        ]
        path = self.cloud.log("sam-local")
        with path.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        try:
            output, _ = process.communicate(text.encode())
        except BaseException:
            interrupt(process)
            raise
        if process.returncode != 0:
            said = re.findall(r"^Error: (.*)", path.read_text(errors="replace"), flags=re.MULTILINE)
            why = f": {said[-1]}" if said else ""
            raise CloudError(f"`sam local invoke` failed{why}\nsee {relative(path)}, and docs/local.md")
        failed = b'"errorType"' in output
        return ("error" if failed else "response"), output


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ends `sam`, which takes its container away when it is interrupted, but not when it is killed."""
    with uninterrupted():
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            stop_group(process.pid, process)


@contextlib.contextmanager
def function_process(
    cloud: LocalCloud, stand_in: StandIn, binary: Path = PROVIDER, stacks: StandIn | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A built function, told of the local AWS as MiniStack would, and of ``stacks``."""
    if not binary.exists():
        raise CloudError(f"{relative(binary)} is missing: run `make build`")
    port = stand_in.server_address[1]
    function = stand_in.function_arn.rsplit(":", 1)[1]
    environment = {
        "PARAMETER_PREFIX": "/inference-profiles",
        # The function's settings that the shell has are among it.
        **cloud.environment(),
        "AWS_ENDPOINT_URL_CLOUDFORMATION": f"http://127.0.0.1:{(stacks or stand_in).server_address[1]}",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "_HANDLER": "bootstrap",
        "LAMBDA_TASK_ROOT": str(binary.parent),
    }
    with cloud.log(binary.parent.name).open("wb") as log:
        process = subprocess.Popen(
            [str(binary)], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def with_preparation(names: list[str]) -> list[tuple[str, bool]]:
    """The events to run, each with whether it was asked for: first those that make what others speak of."""
    plan: list[tuple[str, bool]] = []
    for name in names:
        if name.startswith(OF_SWEEP):
            if not plan:
                plan.append(("create", False))
            plan.append((name, True))
            continue
        text = event_text(name)
        for profile in PROFILES:
            maker = MADE_BY[profile]
            if profile in text and all(maker != done for done, _ in plan):
                plan.append((maker, False))
        plan.append((name, True))
    return plan


def event_text(name: str) -> str:
    """An event as its file has it, by its name."""
    for prefix, folder in ((OF_RESCUE, RESCUE_EVENTS), (OF_SWEEP, SWEEP_EVENTS)):
        if name.startswith(prefix):
            return (folder / f"{name.removeprefix(prefix)}.json").read_text()
    return (EVENTS / f"{name}.json").read_text()


def size(log: Path) -> int:
    """How much there is in a log."""
    return log.stat().st_size if log.exists() else 0


def last_reason(log: Path, begin: int) -> str:
    """What the function's log, from there on, says last about why it did something."""
    text = log.read_bytes()[begin:].decode(errors="replace")
    reasons = re.findall(r'^\{.*"reason":("(?:[^"\\]|\\.)*")', text, flags=re.MULTILINE)
    return str(json.loads(reasons[-1])) if reasons else "it says nothing"


def show(name: str, asked: bool, answer: dict[str, Any] | None, log: Path, begin: int) -> None:
    """Prints what came of an event: in full if it was asked for, else in a line."""
    if answer is None:
        print(f"{name}: CloudFormation received nothing. From the log: {last_reason(log, begin)}")
        return
    body = answer["body"]
    if not asked:
        print(f"(first, {name}: {body.get('Status')} {body.get('PhysicalResourceId')})")
        return
    print(f"{name}: CloudFormation received {answer['size']} bytes")
    print(json.dumps(body, indent=2, ensure_ascii=False))
    for violation in answer["violations"]:
        print(f"   this breaks a rule: {violation}")


def show_sweep(name: str, how: str, result: bytes) -> None:
    """Prints what came of a sweep."""
    if how != "response":
        text = result.decode(errors="replace").strip()
        with contextlib.suppress(ValueError):
            text = json.loads(text)["errorMessage"]
        print(f"{name}: {how}: {text}")
        return
    screen, report = Screen(), json.loads(result)
    findings, actions = report.pop("findings"), report.pop("actions")
    complete = "everything could be read" if report["complete"] else "not everything could be read"
    print(f"{name}: {report['profiles']} profiles, {len(findings)} findings; {complete}\n")
    if findings:
        print(*findings_table(findings, screen.width, screen.paint), "", sep="\n")
    for action in actions:
        reason = f": {action['reason']}" if "reason" in action else ""
        outcome = action["outcome"].replace("-", " ")
        print(f"{action['action']} {action['name']}, {outcome}{reason}: {action['description']}")
    print("\nthe rest of the result:")
    report["counts"] = {rule: count for rule, count in report["counts"].items() if count}
    del report["changes"]
    print(json.dumps(report, indent=2, ensure_ascii=False))


def main() -> int:
    """`make invoke` and `make sam-local`."""
    known = sorted(path.stem for path in EVENTS.glob("*.json"))
    for prefix, folder in ((OF_RESCUE, RESCUE_EVENTS), (OF_SWEEP, SWEEP_EVENTS)):
        known += sorted(f"{prefix}{path.stem}" for path in folder.glob("*.json"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("events", nargs="+", metavar="EVENT", choices=known, help=", ".join(known))
    parser.add_argument("--sam-local", action="store_true", help="by `sam local invoke`, which needs Docker")
    parser.add_argument("--sam-option", action="append", default=[], help="passed on, may be repeated")
    arguments = parser.parse_args()

    # A container reaches this machine by a name; what listens on the loopback address only is out of reach.
    account, host = (SAM_ACCOUNT, "0.0.0.0") if arguments.sam_local else (ACCOUNT, "127.0.0.1")
    try:
        with (
            ending_cleanly(),
            LocalCloud(name="invoke", account=account, host=host) as cloud,
            StandIn(host, free_ports(1)[0], account, cloud.region) as stand_in,
            StandIn(host, free_ports(1)[0], account, cloud.region, RESCUE_FUNCTION) as rescue_stand_in,
            StandIn(host, free_ports(1)[0], account, cloud.region, SWEEP_FUNCTION) as sweep_stand_in,
            contextlib.ExitStack() as stack,
        ):
            for each in (stand_in, rescue_stand_in, sweep_stand_in):
                threading.Thread(target=each.serve_forever, daemon=True).start()
            session = Session(cloud, stand_in)
            deliver: Deliver
            rescue: Deliver
            sweep: Deliver
            if arguments.sam_local:
                session.host = CONTAINER_HOST
                here = f"http://{CONTAINER_HOST}"
                endpoints = {
                    "AWS_ENDPOINT_URL": f"{here}:{cloud.port}",
                    **dict.fromkeys(ON_LOCAL_AWS.values(), f"{here}:{cloud.bedrock_port}"),
                    "AWS_ENDPOINT_URL_CLOUDFORMATION": f"{here}:{stand_in.server_address[1]}",
                }
                deliver = BySam(cloud, "ProviderFunction", endpoints, arguments.sam_option)
                rescue = BySam(cloud, "RescueFunction", endpoints, arguments.sam_option)
                sweep = BySam(cloud, "SweepFunction", endpoints, arguments.sam_option)
            else:
                deliver = ByRuntime(stand_in, stack.enter_context(function_process(cloud, stand_in)))
                process = function_process(cloud, rescue_stand_in, RESCUE, stand_in)
                rescue = ByRuntime(rescue_stand_in, stack.enter_context(process))
                process = function_process(cloud, sweep_stand_in, SWEEP, stand_in)
                sweep = ByRuntime(sweep_stand_in, stack.enter_context(process))
            names = ("sam-local",) * 3 if arguments.sam_local else ("provider", "rescue", "sweep")
            logs = [cloud.log(name) for name in names]
            for name, asked in with_preparation(arguments.events):
                if name.startswith(OF_SWEEP):
                    if not session.by_hand:
                        session.neglect()
                    show_sweep(name, *sweep(name, event_text(name)))
                    continue
                is_rescue = name.startswith(OF_RESCUE)
                log = logs[1] if is_rescue else logs[0]
                begin = size(log)
                show(name, asked, session.run(name, rescue if is_rescue else deliver), log, begin)
            print(f"\nthe log: {', '.join(dict.fromkeys(map(relative, logs)))}")
    except CloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
