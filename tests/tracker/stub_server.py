"""A loopback stand-in for a W&B server: just enough GraphQL and file stream for a run to arrive, and a memory of it.

Every answer is small and immediate; artifacts are accepted without storing their bytes elsewhere than in ``uploads``.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REFUSED = {"run": b"upsertBucket", "view": b"upsertView"}
FILE_KINDS = {"wandb-history.jsonl": "history", "wandb-summary.json": "summary"}
KEY = "0123456789abcdef" * 2 + "01234567"  # the shape of a key: 40 characters
VIEWER = {"id": "u", "entity": "tester", "username": "tester", "flags": "{}", "teams": None}
ANSWERS: dict[str, dict[str, Any]] = {
    **{key: {"viewer": VIEWER} for key in ("Viewer", "GetDefaultEntity")},
    **{"ServerFeaturesQuery": {"serverInfo": {"features": []}}, "RunResumeStatus": {"model": None}},
    "ArtifactType": {"project": None},
}


class QuietServer(ThreadingHTTPServer):
    """Does not report clients that were cut off: being cut off is what some tests are about."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep silent."""


class StubServer:
    """Listens on a free loopback port between ``with`` and ``close``.

    Attributes:
        url: what ``WANDB_BASE_URL`` must be.
        refuses: ``"key"``, ``"run"`` or ``"view"`` turns it into a server that does not accept these.
        history: rows of the runs, in order of arrival. summary: the last summary.
        runs: variables of every ``upsertBucket``. uploads: path -> bytes. artifacts: variables of ``createArtifact``.
        used: variables of ``useArtifact``. views: variables of ``upsertView``, a saved report.
        connections: requests of any kind that arrived.
    """

    def __init__(self) -> None:
        self.refuses = ""
        self.connections = 0
        self.history: list[dict[str, Any]] = []
        self.summary: dict[str, Any] = {}
        self.runs: list[dict[str, Any]] = []
        self.uploads: dict[str, bytes] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.used: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self.complete: list[int] = []
        self.unknown: list[str] = []
        self._open: set[socket.socket] = set()
        self._server = QuietServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> StubServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and drop every open connection: to a client the network has died."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                stub.connections += 1
                stub._open.add(self.connection)

            def finish(self) -> None:
                stub._open.discard(self.connection)
                super().finish()

            def log_message(self, format: str, *args: object) -> None:
                pass  # silence on stderr

            def do_CONNECT(self) -> None:
                self._send(502, {})  # counted as a connection when used as a proxy

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if stub.refuses == "key" and self.path.endswith("/graphql"):
                    self._send(401, {"errors": [{"message": "invalid key"}]})
                elif stub.refuses in REFUSED and REFUSED[stub.refuses] in body:
                    self._send(403, {"errors": [{"message": "permission denied"}]})
                elif self.path.endswith("/graphql"):
                    self._send(200, {"data": stub.graphql(json.loads(body))})
                elif self.path.endswith("/file_stream"):
                    stub.file_stream(json.loads(body))
                    self._send(200, {})
                else:
                    stub.uploads[self.path] = body
                    self._send(200, {})

            do_GET = do_POST = do_PUT = _answer  # noqa: N815

            def _send(self, status: int, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler

    def graphql(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer the operations that a run needs; others get nulls and are remembered in ``unknown``."""
        query, variables = request["query"], request.get("variables") or {}
        operation = query.split("(")[0].split("{")[0].split()[-1]
        if operation == "UpsertBucket":
            self.runs.append(variables)
            project = {"id": "p", "name": variables.get("project"), "entity": {"id": "e", "name": "tester"}}
            name = variables.get("name") or "run"
            bucket = {"id": "run-id", "name": name, "displayName": variables.get("displayName"), "project": project}
            return {"upsertBucket": {"bucket": bucket | {"config": None, "historyLineCount": 0}, "inserted": True}}
        if operation == "CreateRunFiles":
            files = [{"name": name, "uploadUrl": f"{self.url}/file/{name}"} for name in variables["files"]]
            return {"createRunFiles": {"runID": "run-id", "uploadHeaders": [], "files": files}}
        if operation == "CreateArtifact":
            self.artifacts.append(variables["input"])
            artifact = {"id": f"artifact-{len(self.artifacts)}", "state": "COMMITTED", "artifactSequence": None}
            return {"createArtifact": {"artifact": artifact}}
        if operation == "UseArtifact":
            self.used.append(variables["input"])
            return {"useArtifact": {"artifact": {"id": variables["input"]["artifactID"]}}}
        if operation == "GetProjects":
            known = {"__typename": "Project", "id": "p", "name": "landscape", "entityName": variables["entity"]}
            edge = {"cursor": "1", "node": known | {"createdAt": "2026-01-01", "isBenchmark": False, "user": None}}
            page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
            return {"models": {"edges": [edge], "pageInfo": page}}
        if operation == "upsertView":
            self.views.append(variables)
            project = {"id": "p", "name": variables["projectName"], "entityName": variables["entityName"]}
            view = {"id": variables["id"] or f"view-{len(self.views)}", "project": project}
            view |= {key: variables[key] for key in ("name", "displayName", "description", "spec", "type")}
            return {"upsertView": {"view": view, "inserted": variables["id"] is None}}
        if operation not in ANSWERS:
            self.unknown.append(operation)
        return ANSWERS.get(operation, {})

    def file_stream(self, request: dict[str, Any]) -> None:
        """Keep the history rows and the last summary of a file stream request."""
        for name, chunk in (request.get("files") or {}).items():
            lines = [json.loads(line) for line in chunk["content"]] if name in FILE_KINDS else []
            if FILE_KINDS.get(name) == "history":
                self.history += lines
            elif lines:
                self.summary = lines[-1]
        if request.get("complete"):
            self.complete.append(request.get("exitcode", -1))
