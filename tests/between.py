"""Stands between a function and the local AWS, and makes of it what no switch of theirs does.

It passes everything on as it comes, but refuses the operations that it is told to, as a role would that lacks
the permission, and lets profiles look as old as it is told: nobody can make one in the past.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cbor2

from local_cloud import ON_LOCAL_AWS, SWEEP_FUNCTION, LocalCloud

ON_MINISTACK = ("CLOUDFORMATION", "CLOUDWATCH", "EVENTBRIDGE", "S3", "SNS", "SSM")

# Headers that are about one connection, and those that are made anew.
OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
REST_OPERATIONS = {
    "foundation-models": "ListFoundationModels",
    "listTagsForResource": "ListTagsForResource",
}


class Between:
    """A port in front of MiniStack and one in front of ``local-aws``, for the deployed sweep."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.denied: set[str] = set()
        # By ARN: when a profile was made, as Bedrock writes it.
        self.made_at: dict[str, str] = {}
        self._fronts = [Front(self, cloud.port), Front(self, cloud.bedrock_port)]

    def settings(self) -> dict[str, str]:
        """The environment variables that point the function here."""
        ministack, local_aws = (f"http://127.0.0.1:{each.server_address[1]}" for each in self._fronts)
        # By name: MiniStack itself has the last word on AWS_ENDPOINT_URL.
        return {
            **{f"AWS_ENDPOINT_URL_{service}": ministack for service in ON_MINISTACK},
            **dict.fromkeys(ON_LOCAL_AWS.values(), local_aws),
        }

    @contextmanager
    def denying(self, *operations: str) -> Iterator[None]:
        """Refuses these meanwhile: everywhere, or ``ListMetrics@eu-west-1`` in one Region."""
        self.denied = set(operations)
        try:
            yield
        finally:
            self.denied = set()

    def __enter__(self) -> Between:
        for each in self._fronts:
            threading.Thread(target=each.serve_forever, daemon=True).start()
        functions = self.cloud.client("lambda")
        deployed = functions.get_function_configuration(FunctionName=SWEEP_FUNCTION)["Environment"]
        variables = {**deployed["Variables"], **self.settings()}
        functions.update_function_configuration(
            FunctionName=SWEEP_FUNCTION, Environment={"Variables": variables}
        )
        return self

    def __exit__(self, *_error: object) -> None:
        for each in self._fronts:
            each.shutdown()
            each.server_close()


class Front(ThreadingHTTPServer):
    """One port in front of another one."""

    daemon_threads = True

    def __init__(self, between: Between, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.between = between
        self.upstream = upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is ended leaves its connections; all else is a defect here."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Passing(BaseHTTPRequestHandler):
    """The requests of :class:`Front`."""

    protocol_version = "HTTP/1.1"
    server: Front

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        operation = self.operation(body)
        if {operation, f"{operation}@{self.region()}"} & self.server.between.denied:
            self.answer(*self.refusal(operation))
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        headers = {key: value for key, value in response.getheaders() if key.lower() not in OF_CONNECTION}
        content = response.read()
        connection.close()
        if self.server.between.made_at and "/inference-profiles" in self.path and response.status == 200:
            content = self.aged(content)
        self.answer(response.status, headers, content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = pass_on  # noqa: N815 - the names are inherited

    def operation(self, body: bytes) -> str:
        """What is asked for, as IAM calls it; the lists of both kinds of profiles are told apart."""
        if target := self.headers.get("X-Amz-Target"):
            return str(target).rsplit(".", 1)[1]
        path = urlsplit(self.path)
        if found := re.search(r"/operation/(\w+)$", path.path):
            return found.group(1)
        if path.path == "/inference-profiles":
            kind = parse_qs(path.query).get("type", ["NONE"])[0]
            return f"ListInferenceProfiles:{kind}"
        if (last := path.path.rsplit("/", 1)[1]) in REST_OPERATIONS:
            return REST_OPERATIONS[last]
        if "form" in self.headers.get("Content-Type", ""):
            return parse_qs(body.decode()).get("Action", [""])[0]
        if "/report" in path.path or "/history/" in path.path:
            return "GetObject" if self.command == "GET" else "PutObject"
        return ""

    def region(self) -> str:
        """Which Region the call is signed for."""
        found = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers.get("Authorization", ""))
        return found.group(1) if found else ""

    def refusal(self, operation: str) -> tuple[int, dict[str, str], bytes]:
        """Access denied, in the service's own protocol."""
        message = f"User is not authorized to perform: {operation}"
        if self.headers.get("smithy-protocol") == "rpc-v2-cbor":
            headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
            return 403, headers, cbor2.dumps({"__type": "AccessDeniedException", "message": message})
        if "form" in self.headers.get("Content-Type", "") or operation.endswith("Object"):
            error = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
            if not operation.endswith("Object"):
                error = f"<ErrorResponse>{error}</ErrorResponse>"
            return 403, {"Content-Type": "text/xml"}, error.encode()
        error = {"__type": "AccessDeniedException", "message": message}
        headers = {"Content-Type": "application/json", "x-amzn-errortype": "AccessDeniedException"}
        return (403 if self.command == "GET" else 400), headers, json.dumps(error).encode()

    def aged(self, content: bytes) -> bytes:
        """The answer with the profiles' other ages."""
        answer: dict[str, Any] = json.loads(content)
        for profile in answer.get("inferenceProfileSummaries", [answer]):
            if at := self.server.between.made_at.get(profile.get("inferenceProfileArn")):
                profile["createdAt"] = profile["updatedAt"] = at
        return json.dumps(answer).encode()

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        pass
