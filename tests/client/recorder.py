"""A small real JSON-RPC server on a Unix socket: scripted answers, recorded requests."""

from __future__ import annotations

import json
import socketserver
import threading
from pathlib import Path
from typing import Any, Self

from tests.client.answers import ANSWERS

HANG_UP = object()  # close the connection instead of answering
SILENCE = object()  # never answer


class Fault:
    """An error answer."""

    def __init__(self, kind: str, **data: object) -> None:
        self.error = {"code": -32000, "message": f"It is {kind}.", "data": {"kind": kind} | data}


class Recorder:
    """Answer each method as scripted; a callable is given the parameters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers: dict[str, object] = dict(ANSWERS)
        self.events: list[dict[str, Any]] = []
        self.early_events: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self.hang_up_after_events = False
        self.acknowledged = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = _Server(str(self.path), _Handler)
        self._server.recorder = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.path.unlink(missing_ok=True)

    def params(self, method: str) -> dict[str, Any]:
        """Return the parameters of the only call of a method."""
        (call,) = [request for request in self.requests if request["method"] == method]
        params: dict[str, Any] = call["params"]
        return params

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [request["params"] for request in self.requests if request["method"] == method]


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    recorder: Recorder


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        recorder = self.server.recorder
        recorder.connections += 1
        try:
            for line in self.rfile:
                self._handle(recorder, json.loads(line))
        except (ConnectionError, _Gone):
            return

    def _handle(self, recorder: Recorder, request: dict[str, Any]) -> None:
        recorder.requests.append(request)
        subscribes = request["method"] == "event.subscribe"
        if subscribes:
            self._notify(recorder.early_events)
        self._answer(recorder, request)
        if subscribes:
            self._notify(recorder.events)
            if recorder.hang_up_after_events:
                raise _Gone
        if request["method"] == "event.ack":
            recorder.acknowledged.set()

    def _answer(self, recorder: Recorder, request: dict[str, Any]) -> None:
        answer = recorder.answers.get(request["method"], Fault("method_not_found"))
        if answer is HANG_UP:
            raise _Gone
        if answer is not SILENCE:
            self._write({"id": request["id"]} | self._outcome(answer, request["params"]))

    def _outcome(self, answer: object, params: dict[str, Any]) -> dict[str, Any]:
        result = answer(params) if callable(answer) else answer
        return {"error": result.error} if isinstance(result, Fault) else {"result": result}

    def _notify(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            self._write({"method": "event", "params": event})

    def _write(self, reply: dict[str, Any]) -> None:
        self.wfile.write(json.dumps({"jsonrpc": "2.0"} | reply).encode() + b"\n")


class _Gone(Exception):  # noqa: N818
    """The connection is to end here."""
