"""Processor instructions, counted by valgrind's callgrind, which no other load on the machine changes.

A function is started anew for each prefix of a list of events; what an event costs is the difference to the
run without it. So no symbols are needed, and the functions are measured as they ship."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import STATE
from bench.cloud import log_file
from bench.contenders import MissingError
from bench.runtime_api import Function, RuntimeApi


def counted(
    api: RuntimeApi,
    binary: Path,
    environment: Mapping[str, str],
    name: str,
    play: Callable[[Function], None],
) -> int:
    """The instructions of a whole process: its start, and what ``play`` lets it do."""
    valgrind = shutil.which("valgrind")
    if not valgrind:
        raise MissingError("valgrind is not installed")
    output = STATE / "callgrind.out"
    output.unlink(missing_ok=True)
    command = [valgrind, "--tool=callgrind", f"--callgrind-out-file={output}", binary]
    with api.start(command, environment, name=name, log=log_file("callgrind")) as process:
        play(process)
        # It writes down what it counted when it is ended like this, and not when it is killed.
        process.stop(signal.SIGTERM)
    told = output.read_text() if output.exists() else ""
    found = re.search(r"^(?:totals|summary): (\d+)", told, re.MULTILINE)
    if not found:
        raise MissingError("callgrind counted nothing")
    return int(found.group(1))
