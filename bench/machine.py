"""What it was measured on and with."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from bench import ROOT
from bench.contenders import PEERS

# The sources of what is measured, and of what measures.
MEASURED = ("Cargo.lock", "Cargo.toml", "Makefile", "bench", "crates", "events", "tests")

PYTHON_PEERS = ("crhelper", "boto3", "awslambdaric", "c7n")


def machine() -> dict[str, str]:
    """In words, by what it is."""
    return {
        "processors": f"{len(os.sched_getaffinity(0))} of {processor()}, {platform.machine()}",
        "memory": memory(),
        "system": f"{distribution()}, Linux {platform.release()}",
        "Rust": said("rustc", "--version"),
        "Python": platform.python_version(),
        "Node": said("node", "--version"),
        "valgrind": said("valgrind", "--version"),
        "cargo-lambda": pinned(ROOT / "tests" / "requirements.txt", "cargo-lambda"),
        **{name: pinned(PEERS / "requirements.txt", name) for name in PYTHON_PEERS},
        "AWS SDK for JavaScript": sdk_for_javascript(),
        "commit": commit(),
    }


def processor() -> str:
    """As the system calls it; only `lscpu` knows ARM's by name."""
    described = read("/proc/cpuinfo") + said("lscpu")
    with_name = re.search(r"^model name\s*: (.*)$", described, re.MULTILINE | re.IGNORECASE)
    return with_name.group(1).strip() if with_name else "unknown processors"


def memory() -> str:
    """In GiB."""
    total = re.search(r"^MemTotal:\s*(\d+)", read("/proc/meminfo"), re.MULTILINE)
    return f"{int(total.group(1)) / 2**20:.0f} GiB" if total else "unknown"


def distribution() -> str:
    """As it calls itself."""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', read("/etc/os-release"), re.MULTILINE)
    return name.group(1) if name else platform.system()


def pinned(listed: Path, name: str) -> str:
    """The version of a Python package in a list of requirements."""
    found = re.search(rf"^{name}==([^\s;]+)", listed.read_text(), re.MULTILINE)
    return found.group(1) if found else "unknown"


def sdk_for_javascript() -> str:
    """The version of its client for Bedrock."""
    lock = json.loads((PEERS / "node" / "package-lock.json").read_text())
    return str(lock["packages"]["node_modules/@aws-sdk/client-bedrock"]["version"])


def commit() -> str:
    """What was measured, and whether the sources were as committed."""
    head = said("git", "rev-parse", "--short", "HEAD")
    if not re.fullmatch(r"[0-9a-f]+", head):
        return "not known"
    changed = said("git", "status", "--porcelain", "--", *MEASURED)
    return head + (" and changes" if changed else "")


def said(program: str, *arguments: str) -> str:
    """A program's own version, if it is there."""
    if not shutil.which(program):
        return "not installed"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip()


def read(path: str) -> str:
    """A file of the system, if it has it."""
    return Path(path).read_text() if Path(path).exists() else ""
