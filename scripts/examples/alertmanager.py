#!/usr/bin/env python3
"""Post what Prometheus Alertmanager reports into a channel.

alertmanager.py CHANNEL [--listen 127.0.0.1:9095]

Alertmanager asks again while the answer is 5xx. The answer here is 200 once the message is in the daemon's outbox, and
the same report sent again is the same message.
"""

import argparse
import hashlib
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from peerpost import Client, PeerpostError
from peerpost.types import Priority

MAXIMUM_BYTES = 1 << 20  # of a report
MAXIMUM_DIGITS = 7  # of its length, before it is read as a number
MAXIMUM_ALERTS = 20  # spelled out in one message
MAXIMUM_CHARACTERS = 500  # of what one alert says
READ_SECONDS = 5.0
PRIORITIES: dict[str, Priority] = {"firing": "high", "resolved": "default"}


def message(report: dict[str, Any]) -> str:
    """Return what is said of a report: a line for the group, one for each alert."""
    alerts = report["alerts"]
    name = report.get("groupLabels", {}).get("alertname", "alerts")
    lines = [f"{report['status']}: {name} ({len(alerts)})"]
    for alert in alerts[:MAXIMUM_ALERTS]:
        where = alert["labels"].get("instance", alert["labels"].get("alertname", ""))
        told = alert.get("annotations", {})
        said = told.get("summary") or told.get("description") or ""
        said = " ".join(str(said)[:MAXIMUM_CHARACTERS].split())
        lines.append(f"- {alert['status']} {where} {said}".rstrip())
    if len(alerts) > MAXIMUM_ALERTS:
        lines.append(f"- and {len(alerts) - MAXIMUM_ALERTS} more")
    return "\n".join(lines)


def key(report: dict[str, Any]) -> str:
    """Return the same key for the same report, so that one sent again is one message."""
    alerts = sorted(
        (a["status"], a["startsAt"], a["endsAt"], sorted(a["labels"].items()))
        for a in report["alerts"]
    )
    told = json.dumps([report["groupKey"], report["status"], alerts])
    return f"alertmanager-{hashlib.sha256(told.encode()).hexdigest()}"


class Receiver(BaseHTTPRequestHandler):
    """Take reports."""

    timeout = READ_SECONDS
    channel = ""

    def do_POST(self) -> None:
        """Post a report; 400 when it is none, 503 when the daemon did not take it."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or len(size) > MAXIMUM_DIGITS or int(size) > MAXIMUM_BYTES:
            self._answer(413)
            return
        try:
            report = json.loads(self.rfile.read(int(size)))
            text, once = message(report), key(report)
            priority = PRIORITIES[report["status"]]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._answer(400)
            return
        try:
            with Client() as client:
                client.send(
                    channel=self.channel, text=text, priority=priority, idempotency_key=once
                )
        except PeerpostError as error:
            self.log_error("%s", error)
            self._answer(503)
            return
        self._answer(200)

    def _answer(self, code: int) -> None:
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main() -> None:
    """Serve until stopped, one report at a time."""
    parser = argparse.ArgumentParser(description="Post Alertmanager's reports into a channel.")
    parser.add_argument("channel")
    parser.add_argument("--listen", default="127.0.0.1:9095", metavar="HOST:PORT")
    options = parser.parse_args()
    Receiver.channel = options.channel
    host, _, port = options.listen.rpartition(":")
    with HTTPServer((host, int(port)), Receiver) as server:
        print(f"listening on http://{host}:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
