"""What is measured: the functions as they ship, and peers that do the same with what others use."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import ROOT, STATE
from bench.cloud import Cloud, log_file
from bench.requests import STACK_ID, failed_invocation, request
from bench.runtime_api import FunctionFailedError

PEERS = ROOT / "bench" / "peers"
VENV = STATE / "venv"
NODE = STATE / "node"

# What a package for Lambda's Python runtime brings beside the SDK, which is part of the runtime.
OF_CRHELPER = ("crhelper",)
OF_BOTO3 = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


class MissingError(Exception):
    """Something that a measurement needs is not on this machine; the text says what."""


@dataclass(frozen=True)
class Contender:
    """A function or a peer."""

    name: str
    is_ours: bool
    command: list[str | Path]
    # Adds to the environment of the local AWS.
    settings: dict[str, str]
    # The so-manieth event; none where no event is known for it.
    event: Callable[[int, Cloud], bytes] | None
    # What is deployed, with what is part of Lambda's runtime and without it, in bytes.
    package: int
    package_with_sdk: int
    # What CloudFormation is answered for each event; the sweep answers nobody.
    answer: str | None = "SUCCESS"

    def environment(self, cloud: Cloud) -> dict[str, str]:
        """The whole environment."""
        return {**cloud.environment(), "PARAMETER_PREFIX": "/inference-profiles", **self.settings}

    def log(self) -> Path:
        """Where it writes its log; emptied."""
        return log_file(self.name.replace(" ", ""))

    def check(self, answers: list[dict[str, Any]], requests: int) -> None:
        """Raises unless CloudFormation got one answer for each request, and the right one."""
        wrong = next((each for each in answers if each["Status"] != self.answer), None)
        if wrong:
            raise FunctionFailedError(f"{self.name} answered {wrong}")
        if len(answers) != requests:
            raise FunctionFailedError(f"{self.name} answered {len(answers)} of {requests} requests")


def functions() -> list[str]:
    """The Lambda packages, as the Makefile lists them."""
    found = re.search(r"^FUNCTIONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, "the Makefile lists no FUNCTIONS"
    return found.group(1).split()


def binary(function: str) -> Path:
    """A function as it ships."""
    path = ROOT / "target" / "lambda" / function / "bootstrap"
    if not path.exists():
        raise MissingError(f"{path.relative_to(ROOT)} is missing: run `make build`")
    return path


def function(name: str) -> Contender:
    """One of ours."""
    path = binary(name)
    size = zipped([(path, "bootstrap")])
    events: dict[str, Callable[[int, Cloud], bytes]] = {
        "provider": create,
        "sweep": lambda _n, _cloud: b"{}",
        "rescue": lambda n, cloud: failed_invocation(n, cloud.bedrock_endpoint),
    }
    answer = {"sweep": None, "rescue": "FAILED"}.get(name, "SUCCESS")
    return Contender(name, True, [path], {}, events.get(name), size, size, answer)


def create(number: int, cloud: Cloud) -> bytes:
    """A Create of another resource each time."""
    return request("create", number, cloud.bedrock_endpoint)


def in_creation(cloud: Cloud) -> None:
    """The stack is being created, and holds nothing yet."""
    cloud.stack(STACK_ID, "CREATE_IN_PROGRESS", {})


# -- peers -----------------------------------------------------------------------------------------------


def python_peers() -> Path:
    """The Python that the peers run on, installed once for each state of the list."""
    listed = PEERS / "requirements.txt"
    installed, python = VENV / ".installed", VENV / "bin" / "python"
    if not installed.exists() or installed.read_text() != listed.read_text():
        print("==> the Python peers")
        quiet = ["--quiet", "--disable-pip-version-check"]
        for command in (
            [sys.executable, "-m", "venv", "--clear", VENV],
            [python, "-m", "pip", "install", *quiet, "--requirement", listed],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise MissingError(f"pip could not install the peers: {done.stderr.strip()[-200:]}")
        installed.write_text(listed.read_text())
    return python


def crhelper() -> Contender:
    """The provider with crhelper and boto3, on Lambda's runtime for Python."""
    python = python_peers()
    handler = PEERS / "crhelper_provider.py"
    packages = next((VENV / "lib").glob("python*")) / "site-packages"
    small = [(handler, handler.name), *files_of(packages, OF_CRHELPER)]
    return Contender(
        name="crhelper + boto3",
        is_ours=False,
        command=[python, "-m", "awslambdaric", "crhelper_provider.handler"],
        settings={"PYTHONPATH": str(PEERS), "_HANDLER": "crhelper_provider.handler"},
        event=create,
        package=zipped(small),
        package_with_sdk=zipped([*small, *files_of(packages, OF_BOTO3)]),
    )


def node() -> Contender:
    """The provider with the AWS SDK for JavaScript."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        raise MissingError("Node is not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < 20:
        raise MissingError(f"Node {version.strip()} is too old for the AWS SDK")
    NODE.mkdir(parents=True, exist_ok=True)
    lock, installed = PEERS / "node" / "package-lock.json", NODE / ".installed"
    if not installed.exists() or installed.read_text() != lock.read_text():
        print("==> the Node peer")
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / "node" / name, NODE)
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=NODE, capture_output=True, text=True
        )
        if done.returncode:
            raise MissingError(f"npm could not install the AWS SDK: {done.stderr.strip()[-200:]}")
        installed.write_text(lock.read_text())
    shutil.copy(PEERS / "node" / "provider.mjs", NODE)
    handler = NODE / "provider.mjs"
    return Contender(
        name="Node + AWS SDK",
        is_ours=False,
        command=[program, handler],
        settings={},
        event=create,
        package=zipped([(handler, handler.name)]),
        package_with_sdk=zipped([(handler, handler.name), *files_of(NODE, ("node_modules",))]),
    )


def everybody() -> tuple[list[Contender], dict[str, str]]:
    """The functions and those peers that this machine has, and why it lacks the others."""
    found, missing = [function(name) for name in functions()], {}
    for name, make in {"crhelper + boto3": crhelper, "Node + AWS SDK": node}.items():
        try:
            found.append(make())
        except MissingError as error:
            missing[name] = str(error)
    return found, missing


def in_turn(contenders: list[Contender], missing: dict[str, str], act: Callable[[Contender], None]) -> None:
    """Lets each do the same. A peer that fails is out from then on, and missing with the reason; one of ours
    ends it all."""
    for each in list(contenders):
        try:
            act(each)
        except FunctionFailedError as error:
            if each.is_ours:
                raise
            contenders.remove(each)
            missing[each.name] = str(error)


# -- packages --------------------------------------------------------------------------------------------


def files_of(folder: Path, names: Iterable[str]) -> list[tuple[Path, str]]:
    """The files of packages, with their paths in the archive; compiled ones do not ship."""
    found = []
    for name in names:
        top = folder / name
        paths = sorted(top.rglob("*")) if top.is_dir() else [top]
        found += [
            (path, str(path.relative_to(folder)))
            for path in paths
            if path.is_file() and "__pycache__" not in path.parts
        ]
    return found


def zipped(files: Iterable[tuple[Path, str]]) -> int:
    """The bytes of a package as `sam` packs it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for path, name in files:
            package.writestr(zipfile.ZipInfo(name), path.read_bytes(), compress_type=zipfile.ZIP_DEFLATED)
    return len(archive.getvalue())
