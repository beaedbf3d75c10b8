"""The relay under load: a real process, real authentication, one team."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from peerpost_protocol import frames as f
from peerpost_protocol.frames import decode_relay_frame, encode_frame
from peerpost_protocol.handshake import Challenge, sign_authentication
from peerpost_relay.data_folder import DATABASE
from scripts.benchmarks.load.generator import pinned
from scripts.benchmarks.load.team import Mate, Team
from scripts.benchmarks.load.wire import Line, Lines, masked

HOST = "127.0.0.1"
T = TypeVar("T")

CARDS_MAX = 256  # what one roster holds; more readers are further sessions of the same cards
# One machine is the whole crowd here, so what the relay allows one address or card would be what is measured.
_PLENTY = 1_000_000
_WIDER = (
    "relay.cards_before_proof_max",  # all cards are published by one session
    "relay.sessions_per_address_max",
    "relay.greetings_per_second",
    "relay.greetings_burst",
    "relay.writes_per_second",
    "relay.writes_burst",
    "relay.reads_per_second",
    "relay.reads_burst",
    "relay.address_reads_per_second",
    "relay.address_reads_burst",
    "edge.sockets_per_address_max",
)


class RelayUnderLoad:
    """Be one `peerpost-relay serve` in an empty folder."""

    name = "peerpost"

    def __init__(self, folder: Path, core: int | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        command = [sys.executable, "-m", "peerpost_relay", "serve", "--allow-unverified"]
        command += [f"--set={setting}={_PLENTY}" for setting in _WIDER]
        with pinned(core), (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--data", folder / "data", "--listen", f"{HOST}:0"],
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().decode().split()
        if not said:
            raise RuntimeError((folder / "log").read_text())
        self.port = int(said[2].rpartition(":")[2])
        self._lines = Lines(HOST, self.port)

    @staticmethod
    def database(folder: Path) -> Path:
        """Return the store's file; nobody may write to it while the relay runs."""
        return folder / "data" / DATABASE

    @property
    def pid(self) -> int:
        """Return the process's number."""
        return self._process.pid

    def stop(self) -> None:
        """End it; what it acknowledged is stored."""
        self._lines.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def team(self, size: int) -> Team:
        """Publish cards and begin a channel of all of them."""
        team = Team(self.cards(size))
        line = self.session(team.mates[0])
        line.send(encode_frame(f.SubmitRosterEvent(0, team.event.signed)))
        expect(line, f.Accepted)
        line.close()
        return team

    def cards(self, count: int) -> list[Mate]:
        """Publish so many cards."""
        mates = [Mate(f"mate{number}@example.org") for number in range(count)]
        line, _ = self._greeted()
        for number, mate in enumerate(mates):
            line.send(encode_frame(f.PublishCard(number, mate.card.signed, None)))
        for _ in mates:
            expect(line, f.Accepted)
        line.close()
        return mates

    def session(self, mate: Mate) -> Line:
        """Return an authenticated connection."""
        line, challenge = self._greeted()
        self._authenticate(line, challenge, mate)
        return line

    def reader(self, team: Team, number: int, after: int) -> Line:
        """Return a connection that follows the channel; the first mate only publishes."""
        others = team.mates[1:]
        line = self.session(others[number % len(others)])
        line.send(subscription(team, after))
        expect(line, f.Subscribed)
        return line

    def _greeted(self) -> tuple[Line, Challenge]:
        line = self._lines.open()
        nonce = os.urandom(32)
        line.send(encode_frame(f.Hello(f.PROTOCOL_VERSION, nonce, "bench")))
        said = expect(line, f.ChallengeFrame)
        return line, Challenge(said.relay, nonce, said.relay_nonce, said.at_ms)

    def _authenticate(self, line: Line, challenge: Challenge, mate: Mate) -> None:
        line.send(answer(challenge, mate))
        expect(line, f.Welcome)


def answer(challenge: Challenge, mate: Mate) -> bytes:
    """Return the frame that proves a mate's key."""
    signature = sign_authentication(mate.keys.signing, challenge, mate.card.id)
    return encode_frame(f.Authenticate(mate.card.id, signature))


def subscription(team: Team, after: int) -> bytes:
    """Return the frame that follows the team's channel from a position on."""
    cursor = f.Cursor(team.channel, after, 0)
    return encode_frame(f.Subscribe(1, (cursor,), everything=False))


def publishing(envelopes: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the WebSocket frames that publish envelopes."""
    for number, envelope in enumerate(envelopes):
        yield masked(encode_frame(f.Publish(number % 2**32, envelope)))


def expect(line: Line, kind: type[T]) -> T:
    """Return the next frame, which must be of this kind."""
    frame = decode_relay_frame(line.next())
    assert isinstance(frame, kind), frame
    return frame
