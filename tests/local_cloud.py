"""A local AWS, for the demo, the tests and for trying things out.

MiniStack is CloudFormation, Lambda, SSM, CloudWatch and the rest; ``local-aws`` is Bedrock and the tagging
API over it. The functions run as MiniStack's child processes and inherit its environment, which is how
they learn the two endpoints: the template says nothing of running locally.

``LocalCloud`` starts both on free ports and, when it is left, stops them with everything they started::

    with LocalCloud() as cloud:
        cloud.deploy()
        cloud.client("ssm").get_parameter(Name="/inference-profile-manager/service-token")
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
KEPT = STATE / "kept.json"

LOCAL_AWS = ROOT / "target" / "debug" / "local-aws"
PROVIDER = ROOT / "target" / "lambda" / "provider" / "bootstrap"
RESCUE = ROOT / "target" / "lambda" / "rescue" / "bootstrap"
SWEEP = ROOT / "target" / "lambda" / "sweep" / "bootstrap"
BUILT_TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"

STACK = "inference-profile-manager"
SERVICE_TOKEN_PARAMETER = "/inference-profile-manager/service-token"
PROVIDER_FUNCTION = f"{STACK}-provider"
RESCUE_FUNCTION = f"{STACK}-rescue"
SWEEP_FUNCTION = f"{STACK}-sweep"
PROVIDER_LOG_GROUP = f"/aws/lambda/{PROVIDER_FUNCTION}"
RESCUE_LOG_GROUP = f"/aws/lambda/{RESCUE_FUNCTION}"
SWEEP_LOG_GROUP = f"/aws/lambda/{SWEEP_FUNCTION}"

# What `local-aws` is, as botocore and as the SDKs' environment variables name it.
ON_LOCAL_AWS = {
    "bedrock": "AWS_ENDPOINT_URL_BEDROCK",
    "resourcegroupstaggingapi": "AWS_ENDPOINT_URL_RESOURCE_GROUPS_TAGGING_API",
    "ce": "AWS_ENDPOINT_URL_COST_EXPLORER",
    "service-quotas": "AWS_ENDPOINT_URL_SERVICE_QUOTAS",
}

# As long as a function may work: else the client takes it for lost, and invokes it once more.
CLIENT = Config(read_timeout=300)

START_TIMEOUT = 60
STOP_TIMEOUT = 10


class CloudError(Exception):
    """Something of the local AWS did not do what it should; the text says where to look."""


class FunctionError(CloudError):
    """A function failed; the text is what it said."""


def architecture() -> str:
    """This machine's processors, as Lambda names them."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def tool(name: str) -> str:
    """A command of the environment that this Python runs in."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise CloudError(f"{path} is missing: run `make tools`")
    return str(path)


def relative(path: Path) -> str:
    """A path as a person at the project's root would type it."""
    return os.path.relpath(path)


class LocalCloud:
    """MiniStack and ``local-aws``, started together."""

    def __init__(
        self,
        *,
        name: str = "cloud",
        account: str = "000000000000",
        region: str = "us-east-1",
        host: str = "127.0.0.1",
    ) -> None:
        self.account = account
        self.region = region
        self.host = host
        self.logs = STATE / "logs"
        self._scratch = STATE / "run" / f"{name}-{os.getpid()}"
        self._name = name
        self._processes: list[subprocess.Popen[bytes]] = []
        self._kept = False
        self._deployed = False
        self.port, self.bedrock_port = free_ports(2)

    # -- what a client needs ---------------------------------------------------------------------

    @property
    def endpoint(self) -> str:
        """MiniStack."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def bedrock_endpoint(self) -> str:
        """``local-aws``: Bedrock, the tagging API, and control under ``/_local/``."""
        return f"http://127.0.0.1:{self.bedrock_port}"

    def settings(self) -> dict[str, str]:
        """The environment variables that point any AWS client here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            **dict.fromkeys(ON_LOCAL_AWS.values(), self.bedrock_endpoint),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def environment(self) -> dict[str, str]:
        """A whole environment for a command: nothing of a real account or a proxy is left in it."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        local = "127.0.0.1,localhost"
        return {
            **inherited,
            **self.settings(),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": local,
            "no_proxy": local,
            "SAM_CLI_TELEMETRY": "0",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud."""
        endpoint = self.bedrock_endpoint if service in ON_LOCAL_AWS else self.endpoint
        session = boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=self.region
        )
        return session.client(service, endpoint_url=endpoint, config=CLIENT)

    def aws(self, *arguments: str) -> Any:
        """Runs the AWS CLI, as a person would; gives what it printed."""
        done = subprocess.run(
            [tool("aws"), *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise CloudError(done.stderr.strip())
        return json.loads(done.stdout) if done.stdout.strip() else None

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Calls a control endpoint of ``local-aws``: ``control("PUT", "switches", {...})``."""
        return http_json(method, f"{self.bedrock_endpoint}/_local/{path}", body)

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts both and waits until they answer."""
        for binary, made_by in ((LOCAL_AWS, "local-aws"), (Path(tool("ministack")), "tools")):
            if not binary.exists():
                raise CloudError(f"{relative(binary)} is missing: run `make {made_by}`")
        self.logs.mkdir(parents=True, exist_ok=True)
        temporary = self._scratch / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        self._spawn(
            "local-aws",
            [
                str(LOCAL_AWS),
                f"--port={self.bedrock_port}",
                f"--host={self.host}",
                f"--account={self.account}",
                f"--region={self.region}",
                "--log",
            ],
            self.environment(),
        )
        self._spawn(
            "ministack",
            [tool("ministack")],
            {
                **self.environment(),
                "GATEWAY_PORT": str(self.port),
                "BIND_HOST": self.host,
                "MINISTACK_ACCOUNT_ID": self.account,
                "MINISTACK_REGION": self.region,
                "LAMBDA_EXECUTOR": "local",
                "PERSIST_STATE": "0",
                # Services that would listen on ports of their own.
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "TMPDIR": str(temporary),
            },
        )
        self._await(f"{self.bedrock_endpoint}/_local/health", "local-aws")
        self._await(f"{self.endpoint}/_ministack/health", "ministack")

    def stop(self) -> None:
        """Stops every process that was started here, and what those started."""
        if self._kept:
            return
        with uninterrupted():
            if self._deployed:
                with contextlib.suppress(Exception):
                    self.save_function_logs()
            for process in reversed(self._processes):
                stop_group(process.pid, process)
            self._processes.clear()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def keep(self) -> None:
        """Leaves everything running after this process; ``stop_kept`` ends it."""
        KEPT.write_text(
            json.dumps(
                {
                    "groups": [process.pid for process in self._processes],
                    "scratch": str(self._scratch),
                    "settings": self.settings(),
                }
            )
        )
        self._kept = True

    def __enter__(self) -> LocalCloud:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        # A session, and so a process group, of its own: what it starts is stopped with it.
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=self._scratch,
                start_new_session=True,
            )
        self._processes.append(process)

    def _await(self, url: str, name: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            ended = [each.returncode for each in self._processes if each.poll() is not None]
            if ended:
                raise CloudError(f"the start ended with {ended}; see {relative(self.logs)}")
            with contextlib.suppress(OSError, ValueError):
                http_json("GET", url)
                return
            time.sleep(0.1)
        raise CloudError(f"{name} does not answer at {url}; see {relative(self.log(name))}")

    def log(self, name: str) -> Path:
        """Where the log of a part is: ``ministack``, ``local-aws``, ``sam-deploy``, ``provider``,
        ``rescue``, ``sweep``."""
        return self.logs / f"{self._name}-{name}.log"

    # -- deployment --------------------------------------------------------------------------------

    def deploy(self, **parameters: str) -> str:
        """Deploys ``template.yaml`` as `sam build` left it, with `sam deploy`; gives the service token."""
        for built in (PROVIDER, RESCUE, SWEEP, BUILT_TEMPLATE):
            if not built.exists():
                raise CloudError(f"{relative(built)} is missing: run `make build`")
        values = {"Architecture": architecture(), **parameters}
        overrides = [f"{key}={quoted(value)}" for key, value in values.items()]
        command = [tool("sam"), "deploy", "--no-progressbar", "--parameter-overrides", *overrides]
        with self.log("sam-deploy").open("wb") as log:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise CloudError(f"`sam deploy` failed; see {relative(self.log('sam-deploy'))}")
        self._deployed = True
        return self.service_token()

    def service_token(self) -> str:
        """What the deployment published as the token of ``Custom::InferenceProfile``."""
        parameter = self.client("ssm").get_parameter(Name=SERVICE_TOKEN_PARAMETER)
        return str(parameter["Parameter"]["Value"])

    def save_function_logs(self) -> None:
        """Copies what the functions logged into the log directory."""
        groups = {"provider": PROVIDER_LOG_GROUP, "rescue": RESCUE_LOG_GROUP, "sweep": SWEEP_LOG_GROUP}
        for name, group in groups.items():
            with self.log(name).open("w") as log:
                log.writelines(f"{line}\n" for line in self.function_log(group))

    def function_log(self, group: str) -> list[str]:
        """The lines of a log group, oldest first."""
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]

    def sweep(self, payload: Any = None) -> Any:
        """Invokes the sweep as a person would, waits for it and gives its result."""
        answer = self.client("lambda").invoke(
            FunctionName=SWEEP_FUNCTION, Payload=json.dumps({} if payload is None else payload).encode()
        )
        result = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise FunctionError(result.get("errorMessage", result))
        return result


# -- small things ------------------------------------------------------------------------------------


def quoted(value: str) -> str:
    """A parameter's value as `sam` wants it on its command line."""
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that nothing listens on, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return tuple(each.getsockname()[1] for each in sockets)


def http_json(method: str, url: str, body: Any = None, timeout: float = 10) -> Any:
    """A JSON request past every proxy; an error status is raised with what the server said."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        raise ValueError(f"{method} {url}: {error.code} {error.read().decode(errors='replace')}") from error
    return json.loads(text) if text else None


def stop_group(group: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Ends a process group: first politely, then for good."""
    for how, patience in ((signal.SIGTERM, STOP_TIMEOUT), (signal.SIGKILL, 2)):
        try:
            os.killpg(group, how)
        except (ProcessLookupError, PermissionError):
            break
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and group_lives(group, process):
            time.sleep(0.05)
    if process is not None:
        process.wait()


def group_lives(group: int, process: subprocess.Popen[bytes] | None) -> bool:
    """Whether any process of a group is left."""
    if process is not None:
        process.poll()  # buries the leader, which would count as living
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def stop_kept() -> bool:
    """Stops what ``keep`` left running; whether there was anything."""
    if not KEPT.exists():
        return False
    kept = json.loads(KEPT.read_text())
    for group in kept["groups"]:
        # A number that has gone to another program since is left alone.
        if {"ministack", "local-aws"} & command_words(group):
            stop_group(group)
    shutil.rmtree(kept["scratch"], ignore_errors=True)
    KEPT.unlink()
    return True


def command_words(process_id: int) -> set[str]:
    """The names of the files that a process's command line begins with."""
    asked = subprocess.run(
        ["ps", "-o", "args=", "-p", str(process_id)], capture_output=True, text=True, check=False
    )
    return {Path(word).name for word in asked.stdout.split()[:3]}


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds further interrupts off, so that a second Ctrl-C does not cut the cleaning up short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def ending_cleanly() -> Iterator[None]:
    """Turns the signals that would end this process at once into exceptions, so that it cleans up."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signals = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
