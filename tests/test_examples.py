"""scripts/examples/alertmanager.py: what it makes of reports, and of what is none."""

import copy
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts.examples import alertmanager

REPORT: dict[str, Any] = {
    "version": "4",
    "groupKey": '{}:{alertname="DiskFull"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "peerpost",
    "groupLabels": {"alertname": "DiskFull"},
    "commonLabels": {"alertname": "DiskFull"},
    "commonAnnotations": {},
    "externalURL": "http://alerts.example.org:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "DiskFull", "instance": "db1.example.org"},
            "annotations": {"summary": "97 % full"},
            "startsAt": "2026-11-22T18:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
            "fingerprint": "1a30ba71cca2921f",
        }
    ],
}


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Be the port of a receiver whose daemon is not there."""
    monkeypatch.setenv("PEERPOST_SOCKET", str(tmp_path / "nobody"))
    with HTTPServer(("127.0.0.1", 0), alertmanager.Receiver) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def post(port: int, body: bytes, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_report_is_a_line_for_the_group_and_one_for_each_alert() -> None:
    said = alertmanager.message(REPORT)
    assert said == "firing: DiskFull (1)\n- firing db1.example.org 97 % full"


def test_a_long_report_is_cut() -> None:
    many = REPORT | {"alerts": REPORT["alerts"] * 1000}
    assert alertmanager.message(many).endswith("- and 980 more")
    loud = copy.deepcopy(REPORT)
    loud["alerts"][0]["annotations"]["summary"] = "!" * 100_000
    assert len(alertmanager.message(loud)) < 1_000


def test_the_same_report_has_the_same_key_and_another_has_not() -> None:
    later = copy.deepcopy(REPORT)
    later["alerts"][0]["startsAt"] = "2026-11-22T19:00:00Z"
    assert alertmanager.key(REPORT) == alertmanager.key(copy.deepcopy(REPORT))
    assert alertmanager.key(REPORT) != alertmanager.key(later)


def test_without_a_daemon_it_is_asked_again(receiver: int) -> None:
    assert post(receiver, json.dumps(REPORT).encode()) == 503


@pytest.mark.parametrize(
    "body",
    [b"", b"no", b"[]", b"{}", b'{"alerts":5}', b'{"alerts":[5],"status":"firing"}', b"[" * 9_000],
)
def test_what_is_no_report_is_refused(receiver: int, body: bytes) -> None:
    assert post(receiver, body) == 400


def test_what_is_too_large_is_refused_unread(receiver: int) -> None:
    assert post(receiver, b"", **{"Content-Length": "1048577"}) == 413
