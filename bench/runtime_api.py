"""Lambda's runtime API for one function at a time, and the function's process as Lambda starts it.

The server is a socket and a thread for each connection, without a framework: between a request's arrival
and its time stamp lie some tens of microseconds. Time is that of ``time.perf_counter``, in seconds.

    with RuntimeApi() as api, api.start(Path("bootstrap"), environment) as function:
        function.first_poll                 # from before the process was made to its first poll
        answer = function.invoke(b"{}")     # seconds from handing out the event to the whole answer
        function.peak_memory()
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from bench.command import peak_memory
from local_cloud import relative

ACCOUNT = "000000000000"
REGION = "us-east-1"

# As the template sets it.
MEMORY_MB = 256
TIMEOUT = 600
START_TIMEOUT = 120
# How long an ended peer may take to be gone.
STOP_TIMEOUT = 10


class FunctionFailedError(Exception):
    """The function ended, or said that it failed; the text is what it said."""


@dataclass(frozen=True)
class Answer:
    """What came of an event."""

    seconds: float
    body: bytes


@dataclass(frozen=True)
class Event:
    """What the function said: ``next``, ``response``, ``error`` or ``init error``."""

    kind: str
    at: float
    body: bytes = b""


@dataclass
class Line:
    """What passes between the server and one function; ``None`` ends the function's connection."""

    seen: queue.Queue[Event] = field(default_factory=queue.Queue)
    to_do: queue.Queue[tuple[bytes, Mapping[str, str]] | None] = field(default_factory=queue.Queue)
    handed_out: float = 0.0


class RuntimeApi:
    """The server. It serves one function after another."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.line = Line()
        threading.Thread(target=self._accept, daemon=True).start()

    def start(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        name: str = "function",
        log: Path | None = None,
        timeout: float = START_TIMEOUT,
    ) -> Function:
        """Starts a function and waits for its first poll."""
        self.line = Line()
        words = [str(each) for each in command]
        return Function(self.line, self.address, words, environment, name, log, timeout)

    def __enter__(self) -> RuntimeApi:
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        with contextlib.suppress(OSError, ValueError), connection, stream:
            while first := stream.readline():
                at = time.perf_counter()
                _, path, _ = first.decode("latin-1").split(" ", 2)
                headers = {}
                while (header := stream.readline().strip()) and header:
                    key, _, value = header.decode("latin-1").partition(":")
                    headers[key.lower()] = value.strip()
                if headers.get("expect"):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = self._body(stream, headers)
                line = self.line
                if path.endswith("/invocation/next"):
                    if not self._hand_out(line, connection, at):
                        return
                    continue
                if path.endswith("/init/error"):
                    kind = "init error"
                else:
                    kind, at = path.rsplit("/", 1)[1], time.perf_counter()
                line.seen.put(Event(kind, at, body))
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    @staticmethod
    def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
        if "chunked" not in headers.get("transfer-encoding", ""):
            return stream.read(int(headers.get("content-length", "0")))
        parts = []
        while size := int(stream.readline().split(b";")[0], 16):
            parts.append(stream.read(size))
            stream.readline()
        while stream.readline().strip():
            pass
        return b"".join(parts)

    @staticmethod
    def _hand_out(line: Line, connection: socket.socket, at: float) -> bool:
        line.seen.put(Event("next", at))
        if (given := line.to_do.get()) is None:
            return False
        payload, headers = given
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        head = f"HTTP/1.1 200 OK\r\n{lines}Content-Length: {len(payload)}\r\n\r\n"
        line.handed_out = time.perf_counter()
        connection.sendall(head.encode() + payload)
        return True


class Function:
    """A function's process."""

    def __init__(
        self,
        line: Line,
        address: str,
        command: list[str],
        environment: Mapping[str, str],
        name: str,
        log: Path | None,
        timeout: float,
    ) -> None:
        self._line = line
        self._name = name
        self._log = log
        self.arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        whole = {
            **environment,
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "LAMBDA_TASK_ROOT": str(Path(command[0]).parent),
            "TZ": ":UTC",
        }
        output = os.open(str(log or os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ]
        # posix_spawn returns once the program is executed: what lies before is the kernel's, and counts.
        self._begun = time.perf_counter()
        self.process_id = os.posix_spawn(command[0], command, whole, file_actions=actions, setpgroup=0)
        os.close(output)
        self._gone = False
        try:
            self.first_poll = self._await("next", timeout).at - self._begun
        except BaseException:
            self.stop()
            raise

    def invoke(self, payload: bytes, timeout: float = TIMEOUT) -> Answer:
        """Hands an event to the function, and waits until it asks for the next one."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }
        self._line.to_do.put((payload, headers))
        answered = self._await("response", timeout)
        self._await("next", timeout)
        return Answer(answered.at - self._line.handed_out, answered.body)

    def _await(self, kind: str, timeout: float) -> Event:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                event = self._line.seen.get(timeout=0.2)
            except queue.Empty:
                if self._ended():
                    raise self._failed("the process ended") from None
                continue
            if event.kind == kind:
                return event
            raise self._failed(f"{event.kind}: {told(event.body)}")
        raise self._failed(f"no {kind} within {timeout} seconds")

    def _failed(self, how: str) -> FunctionFailedError:
        log = f"; its log: {relative(self._log)}" if self._log else ""
        return FunctionFailedError(f"{self._name}: {how}{log}")

    def _ended(self) -> bool:
        if not self._gone:
            self._gone = os.waitpid(self.process_id, os.WNOHANG)[0] != 0
        return self._gone

    def peak_memory(self) -> float:
        """The most memory that the process held so far, in MB of 2^20 bytes, as Lambda counts."""
        return peak_memory(self.process_id)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends the process, and what it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process_id, how)
        deadline = time.monotonic() + STOP_TIMEOUT
        while not self._ended():
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process_id, signal.SIGKILL)
            time.sleep(0.001)
        self._line.to_do.put(None)

    def __enter__(self) -> Function:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def told(body: bytes) -> str:
    """What a function's error says."""
    with contextlib.suppress(ValueError):
        said = json.loads(body)
        return str(said.get("errorMessage", said)) if isinstance(said, dict) else str(said)
    return body.decode(errors="replace")
