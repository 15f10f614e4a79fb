"""What it was measured on and with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from bench import ROOT
from bench.contenders import PEERS


def machine() -> dict[str, str]:
    """In words, by what it is."""
    return {
        "processors": f"{os.cpu_count()} of {processor()}, {platform.machine()}",
        "memory": memory(),
        "system": f"{distribution()}, Linux {platform.release()}",
        "Rust": said("rustc", "--version"),
        "Python": platform.python_version(),
        "Node": said("node", "--version"),
        "valgrind": said("valgrind", "--version"),
        **{name: peer(name) for name in ("crhelper", "boto3", "awslambdaric", "c7n")},
    }


def processor() -> str:
    """As the system calls it."""
    with_name = re.search(r"^model name\s*: (.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    return with_name.group(1).strip() if with_name else "unknown processors"


def memory() -> str:
    """In GiB."""
    total = re.search(r"^MemTotal:\s*(\d+)", read("/proc/meminfo"), re.MULTILINE)
    return f"{int(total.group(1)) / 2**20:.0f} GiB" if total else "unknown"


def distribution() -> str:
    """As it calls itself."""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', read("/etc/os-release"), re.MULTILINE)
    return name.group(1) if name else platform.system()


def peer(name: str) -> str:
    """The version that is pinned."""
    listed = (PEERS / "requirements.txt").read_text()
    found = re.search(rf"^{name}==(\S+)", listed, re.MULTILINE)
    return found.group(1) if found else "unknown"


def said(program: str, *arguments: str) -> str:
    """A program's own version, if it is there."""
    if not shutil.which(program):
        return "not installed"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip()


def read(path: str) -> str:
    """A file of the system, if it has it."""
    return Path(path).read_text() if Path(path).exists() else ""
