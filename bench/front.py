"""Doors to the local AWS: each call waits as long as it would on its way to AWS, is counted and, where that
is asked for, refused beyond so many calls a second.

A door leads to a server of this machine, or to what is answered here itself (:mod:`bench.services`). This is
a process of its own, so that nothing that is measured shares an interpreter with it:

    python -m bench.front '{"local-aws": 4599, "services": null}'

prints the ports of the doors as JSON once they are open. Every door takes control under ``/_front/``:
``PUT settings`` with ``{"latency_ms": 20, "calls_a_second": 10}``, ``GET calls``, ``DELETE calls``; and, for
what :mod:`bench.services` tells, ``PUT stack``, ``PUT used`` with ids, and ``DELETE services``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs, urlsplit

import cbor2

from bench.services import Services

# A page of profiles or a report is larger than the streams' default.
LIMIT = 64 * 1024 * 1024

OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect"}

# Services by their names in a signature, where IAM has another one.
BY_SIGNATURE = {"monitoring": "cloudwatch", "tagging": "tag"}
BEDROCK = {
    ("GET", "inference-profiles", 1): "ListInferenceProfiles",
    ("POST", "inference-profiles", 1): "CreateInferenceProfile",
    ("GET", "inference-profiles", 2): "GetInferenceProfile",
    ("DELETE", "inference-profiles", 2): "DeleteInferenceProfile",
    ("GET", "foundation-models", 1): "ListFoundationModels",
    ("GET", "foundation-models", 2): "GetFoundationModel",
    ("POST", "listTagsForResource", 1): "ListTagsForResource",
    ("POST", "tagResource", 1): "TagResource",
    ("POST", "untagResource", 1): "UntagResource",
}
# The error that says "too often", where it is not `ThrottlingException`.
THROTTLED = {"tag": "ThrottledException", "servicequotas": "TooManyRequestsException"}


@dataclass
class Request:
    """A request, read whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def service(self) -> str:
        """Whom it is signed for."""
        found = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", self.headers.get("authorization", ""))
        name = found.group(1) if found else "unsigned"
        return BY_SIGNATURE.get(name, name)

    def operation(self) -> str:
        """What is asked for, as IAM calls it."""
        if target := self.headers.get("x-amz-target"):
            return target.rsplit(".", 1)[1]
        path = urlsplit(self.path).path
        if found := re.search(r"/operation/(\w+)$", path):
            return found.group(1)
        if "form" in self.headers.get("content-type", ""):
            return parse_qs(self.body.decode()).get("Action", ["?"])[0]
        parts = path.strip("/").split("/")
        if self.service() == "bedrock":
            return BEDROCK.get((self.method, parts[0], len(parts)), "?")
        return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject"}.get(self.method, "?")


@dataclass
class Reply:
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @staticmethod
    def json(status: int, body: object) -> Reply:
        """An answer of ours."""
        return Reply(status, {"content-type": "application/json"}, json.dumps(body).encode())


@dataclass
class Bucket:
    """Tokens of one service: full at first, and filled at a steady rate."""

    size: float
    tokens: float
    at: float

    def takes(self, rate: float) -> bool:
        """Whether there is one left; then it is gone."""
        now = time.monotonic()
        self.tokens = min(self.size, self.tokens + (now - self.at) * rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Front:
    """What all doors have in common."""

    services: Services = field(default_factory=Services)
    latency: float = 0.0
    rate: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def control(self, request: Request) -> Reply:
        """What is under ``/_front/``."""
        what = (request.method, request.path.removeprefix("/_front/"))
        if what == ("PUT", "settings"):
            given = json.loads(request.body)
            self.latency = given.get("latency_ms", 0) / 1000
            self.rate = given.get("calls_a_second", 0)
            self.buckets.clear()
        elif what == ("PUT", "stack"):
            self.services.stack.__dict__.update(json.loads(request.body))
        elif what == ("DELETE", "calls"):
            self.calls.clear()
            self.refused.clear()
        elif what == ("PUT", "used"):
            self.services.use(json.loads(request.body))
        elif what == ("DELETE", "services"):
            self.services.empty()
        elif what == ("GET", "calls"):
            return Reply.json(200, {"calls": self.calls, "refused": self.refused})
        else:
            return Reply.json(404, {"message": "no such control"})
        return Reply.json(200, {})

    def refusal(self, request: Request) -> Reply | None:
        """The error for one call too many, in the service's own protocol."""
        service = request.service()
        if not self.rate:
            return None
        # A second's worth of calls may come at once, as AWS's own buckets allow.
        bucket = self.buckets.setdefault(service, Bucket(self.rate, self.rate, time.monotonic()))
        if bucket.takes(self.rate):
            return None
        self.refused[f"{service}:{request.operation()}"] += 1
        message = "Rate exceeded"
        if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
            headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
            return Reply(400, headers, cbor2.dumps({"__type": "ThrottlingException", "message": message}))
        if service == "s3":
            error = f"<Error><Code>SlowDown</Code><Message>{message}</Message></Error>"
            return Reply(503, {"content-type": "application/xml"}, error.encode())
        if "form" in request.headers.get("content-type", ""):
            error = f"<Error><Type>Sender</Type><Code>Throttling</Code><Message>{message}</Message></Error>"
            return Reply(
                400, {"content-type": "text/xml"}, f"<ErrorResponse>{error}</ErrorResponse>".encode()
            )
        code = THROTTLED.get(service, "ThrottlingException")
        status = 429 if service == "bedrock" else 400
        reply = Reply.json(status, {"__type": code, "message": message})
        return Reply(status, {**reply.headers, "x-amzn-errortype": code}, reply.body)


class Way:
    """A connection to the server behind a door."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def pass_on(self, request: Request) -> Reply:
        """The server's answer. A server may close a connection that was idle; then there is a new one."""
        fresh = self._streams is None
        while True:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self.port, limit=LIMIT)
            reader, writer = self._streams
            try:
                kept = {key: value for key, value in request.headers.items() if key not in OF_CONNECTION}
                kept["content-length"] = str(len(request.body))
                head = "".join(f"{key}: {value}\r\n" for key, value in kept.items())
                first = f"{request.method} {request.path} HTTP/1.1\r\n"
                writer.write(f"{first}{head}\r\n".encode("latin-1") + request.body)
                line, headers = await read_head(reader)
                status = int(line.split(" ", 2)[1])
                has_body = request.method != "HEAD" and status not in (204, 304)
                reply = Reply(status, headers, await read_body(reader, headers, True) if has_body else b"")
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if fresh:
                    raise
                fresh = True
                continue
            if headers.get("connection", "").lower() == "close":
                self.close()
            return reply

    def close(self) -> None:
        """Leaves it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The first line and the headers, by their names in lower case."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {key.strip().lower(): value.strip() for key, _, value in pairs}


async def read_body(reader: asyncio.StreamReader, headers: Mapping[str, str], is_reply: bool) -> bytes:
    """A body of either kind; a reply without a length lasts to the connection's end."""
    if "chunked" in headers.get("transfer-encoding", ""):
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        while (await reader.readline()).strip():
            pass
        return b"".join(parts)
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    return await reader.read() if is_reply else b""


async def serve(
    front: Front, upstream: int | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One client's connection."""
    way = Way(upstream) if upstream else None
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            first, headers = await read_head(reader)
            if headers.get("expect"):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            method, path, _ = first.split(" ", 2)
            request = Request(method, path, headers, await read_body(reader, headers, False))
            if path.startswith("/_front/"):
                reply = front.control(request)
            else:
                front.calls[f"{request.service()}:{request.operation()}"] += 1
                if front.latency:
                    await asyncio.sleep(front.latency)
                refused = front.refusal(request)
                if refused is not None:
                    reply = refused
                elif way is not None:
                    reply = await way.pass_on(request)
                else:
                    asked = (request.service(), request.operation(), path, request.body)
                    reply = Reply(*front.services.answer(*asked))
            kept = {key: value for key, value in reply.headers.items() if key not in OF_CONNECTION}
            length = {"content-length": str(len(reply.body))}
            if method == "HEAD":
                length = {"content-length": reply.headers.get("content-length", "0")}
            head = "".join(f"{key}: {value}\r\n" for key, value in {**kept, **length}.items())
            writer.write(f"HTTP/1.1 {reply.status} -\r\n{head}\r\n".encode("latin-1") + reply.body)
            await writer.drain()
    if way is not None:
        way.close()
    writer.close()


async def main(doors: Mapping[str, int | None]) -> None:
    """Opens the doors, says where they are, and serves until it is ended."""
    front, ports = Front(), {}
    for name, upstream in doors.items():
        server = await asyncio.start_server(partial(serve, front, upstream), "127.0.0.1", 0, limit=LIMIT)
        ports[name] = server.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(json.loads(sys.argv[1])))
