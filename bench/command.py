"""A command from its start to its end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """How it went."""

    seconds: float
    # MB of 2^20 bytes.
    peak_memory: float
    # 0 when it went well, negative when it was stopped because it took too long.
    status: int


def run(
    command: Sequence[str | Path], environment: Mapping[str, str], log: Path, timeout: float = 600
) -> Run:
    """Runs it to its end, or to the end of its time."""
    words = [str(each) for each in command]
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    begun = time.perf_counter()
    process_id = os.posix_spawnp(words[0], words, dict(environment), file_actions=actions, setpgroup=0)
    os.close(output)
    peak = 0.0
    try:
        while True:
            done, status = os.waitpid(process_id, os.WNOHANG)
            seconds = time.perf_counter() - begun
            if done:
                return Run(seconds, peak, os.waitstatus_to_exitcode(status))
            peak = max(peak, peak_memory(process_id))
            if seconds > timeout:
                os.killpg(process_id, signal.SIGKILL)
            time.sleep(0.004)
    except BaseException:
        os.killpg(process_id, signal.SIGKILL)
        raise


def peak_memory(process_id: int) -> float:
    """The most memory that a process held so far, in MB of 2^20 bytes, as Lambda counts; 0 when it is gone.

    What `wait4` tells is of no use here: it counts the memory of the process that started this one too.
    """
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
