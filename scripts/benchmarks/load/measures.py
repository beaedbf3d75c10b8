"""What is measured of a relay; each function yields the samples of one run of one system."""

import time
from collections.abc import Iterator, Sequence
from operator import itemgetter
from socket import MSG_DONTWAIT, MSG_PEEK, socket
from typing import NamedTuple

from peerpost_protocol.envelope import parse_envelope, verify_envelope
from peerpost_protocol.frames import Deliver, decode_relay_frame
from peerpost_protocol.handshake import (
    Challenge,
    sign_authentication,
    sign_challenge,
    verify_authentication,
)
from peerpost_protocol.signing import SigningKey
from peerpost_relay.framing import frame as framed
from scripts.benchmarks.figure import Sample
from scripts.benchmarks.load import nats, nostr
from scripts.benchmarks.load.bench import Bench, generator_share
from scripts.benchmarks.load.checked import violations
from scripts.benchmarks.load.crowd import admit
from scripts.benchmarks.load.fans import SKIP_BYTES, Fan, fan
from scripts.benchmarks.load.generator import MARK, Counted, GeneratorError, Load, write_frames
from scripts.benchmarks.load.peerpost import CARDS_MAX, RelayUnderLoad, publishing, subscription
from scripts.benchmarks.load.team import Mate, Team
from scripts.benchmarks.load.wire import Line, masked
from scripts.benchmarks.process_figures import processor_seconds, resident_mib

MILLISECONDS = 1e3
MICROSECONDS = 1e6
FAN_SECONDS = 2.0
PATIENCE = 6.0  # until a system that has not delivered everything is cut off
CHECKED_READERS = 100
RATE = 100  # messages a second, for latency
RATE_SECONDS = 3.0
ALL_SECONDS = 60.0  # at most, for everything that was made
WINDOWS = (16, 64)
SENDERS_MAX = 16  # connections that publish durably, sharing what is in flight
ACCEPTED = "accepted"
SESSIONS_A_CARD = 16
KIBIBYTE = 1024.0
FLOOR_SIGNATURES = 4_000
HELD_SECONDS = 2.0  # idle connections are looked at again after that


def fan_out(system: str, bench: Bench, readers: int) -> Iterator[Sample]:
    """Yield deliveries a second by messages in flight, and what each costs the server."""
    for window in WINDOWS:
        with fan(system, bench, readers) as under:
            before = processor_seconds(under.pid)
            what = f"{window} in flight to {readers:,}"
            count = max(1, min(bench.messages * 1_000 // readers, bench.messages * 6))
            log = {"log": bench.place()} if _is_checked(under, readers, window) else {}
            load = under.load(
                bench.place(), count, window=window, seconds=FAN_SECONDS, patience=PATIENCE, **log
            )
            counted = bench.run(load)
            spent = processor_seconds(under.pid) - before
            yield Sample(system, what, "deliveries/s", counted.deliveries / counted.seconds)
            if system != "nostr-relay":  # whose work is done by processes of its process
                cost = spent / counted.deliveries * MICROSECONDS
                yield Sample(system, f"{what}, processor time a delivery", "us", cost)
            yield generator_share(system, what, counted)
            if under.stored and log:
                checked = violations(log["log"], len(load.readers), under.stored(counted.messages))
                yield Sample(system, f"{what}, checked and clean", "deliveries", float(checked))


def _is_checked(under: Fan, readers: int, window: int) -> bool:
    """Tell whether the checker looks at a load: one of a run, or checking would take the longest."""
    return under.stored is not None and readers <= CHECKED_READERS and window == WINDOWS[0]


def latency(system: str, bench: Bench, readers: int) -> Iterator[Sample]:
    """Yield p50 and p99 from when a message was due to when each reader had it."""
    with fan(system, bench, readers) as under:
        options = {"mode": "rate", "rate": RATE, "seconds": RATE_SECONDS}
        count = max(1, min(bench.messages, int(RATE * RATE_SECONDS)))
        counted = bench.run(under.load(bench.place(), count, **options))
    what = f"{RATE} messages/s to {readers:,}"
    if counted.unfinished:
        raise GeneratorError(f"{what}: {counted.unfinished} messages came too late to be counted")
    yield Sample(system, f"{what} p50", "ms", counted.p50 * MILLISECONDS)
    yield Sample(system, f"{what} p99", "ms", counted.p99 * MILLISECONDS)
    yield generator_share(system, what, counted)


def durable(system: str, bench: Bench, window: int) -> Iterator[Sample]:
    """Yield durable publishes a second, each answered after its commit."""
    senders = min(window, SENDERS_MAX)
    each = max(1, bench.messages * 4 // senders)
    if system == "nats":
        peer = nats.NatsUnderLoad(bench.place(), bench.server_core)
        try:
            peer.stream()
            lines = [peer.answered_session(number) for number in range(senders)]
            frames = [(n, x) for n in range(senders) for x in nats.stored_messages(each, n)]
            counted = answered(bench, lines, frames, window, nats.ANSWERED)
        finally:
            peer.stop()
    elif system == "nostr-relay":
        other = nostr.NostrUnderLoad(bench.place(), bench.server_core)
        try:
            lines = [other.session() for _ in range(senders)]
            events = nostr.messages(each * senders)
            frames = sorted(((n % senders, x) for n, x in enumerate(events)), key=itemgetter(0))
            counted = answered(bench, lines, frames, window, nostr.ANSWERED)
        finally:
            other.stop()
    else:
        relay = RelayUnderLoad(bench.place(), bench.server_core)
        try:
            team = relay.team(senders)
            lines = [relay.session(mate) for mate in team.mates]
            frames = [
                (n, x) for n in range(senders) for x in publishing(team.envelopes(0, each, n))
            ]
            counted = answered(bench, lines, frames, window, ACCEPTED)
        finally:
            relay.stop()
    what = f"{window} in flight"
    yield Sample(system, f"durable, {what}", "publishes/s", counted.messages / counted.seconds)
    yield generator_share(system, f"durable, {what}", counted)


def floors() -> Iterator[Sample]:
    """Yield what one core does of the signatures alone: nothing that checks them is faster."""
    team = Team([Mate("floor@example.org")])
    claims = [parse_envelope(each) for each in team.envelopes(0, FLOOR_SIGNATURES)]
    card = team.mates[0].card
    before = time.process_time()
    for claim in claims:
        verify_envelope(claim, card)
    spent = time.process_time() - before
    yield Sample("Ed25519", "envelopes verified by one core", "envelopes/s", len(claims) / spent)
    relay, nonces = SigningKey(bytes(32)), bytes(32)
    challenge = Challenge(relay.public, nonces, nonces, 1)
    answer = sign_authentication(team.mates[0].keys.signing, challenge, card.id)
    before = time.process_time()
    for _ in claims:
        sign_challenge(relay, challenge)
        verify_authentication(challenge, card, answer)
    spent = time.process_time() - before
    yield Sample(
        "Ed25519", "sessions' two signatures by one core", "sessions/s", len(claims) / spent
    )


def crowd(bench: Bench, count: int) -> Iterator[Sample]:
    """Yield the memory of idle authenticated connections, and how fast they come back."""
    relay = RelayUnderLoad(bench.place(), bench.server_core)
    try:
        mates = relay.cards(-(-count // SESSIONS_A_CARD))
        admit(relay.port, mates, 1)[0][0].close()
        before, _ = resident_mib(relay.pid)
        first = admit(relay.port, mates, count)
        after, _ = resident_mib(relay.pid)
        held = _held(first.sockets)
        for each in first.sockets:
            each.close()
        spent = processor_seconds(relay.pid)
        again = admit(relay.port, mates, count)
        spent = processor_seconds(relay.pid) - spent
        for each in again.sockets:
            each.close()
    finally:
        relay.stop()
    what = f"{count:,} connections"
    size = (after - before) * KIBIBYTE / count
    yield Sample("peerpost", f"{what}, memory of each when idle", "KiB", size)
    yield Sample(
        "peerpost", f"{what} at once, authenticated", "connections/s", count / again.seconds
    )
    yield Sample("peerpost", f"{what}, still open when idle", "connections", float(held))
    each_us = spent / count * MICROSECONDS
    yield Sample("peerpost", f"{what} at once, processor time of each", "us", each_us)
    yield Sample("peerpost", f"{what} at once, client's share of its core", "x", again.cpu_share)


def _held(sockets: list[socket]) -> int:
    """Return how many connections are open a while later."""
    time.sleep(HELD_SECONDS)
    return sum(_is_silent(each) for each in sockets)


def _is_silent(idle: socket) -> bool:
    try:
        return bool(idle.recv(1, MSG_PEEK | MSG_DONTWAIT))  # a ping, not the end
    except BlockingIOError:
        return True
    except OSError:
        return False


def catch_up(bench: Bench, readers: int, returning: int) -> Iterator[Sample]:
    """Yield how fast stored envelopes are read, and what that does to live latency meanwhile."""
    stored = bench.messages * 5
    relay = RelayUnderLoad(bench.place(), bench.server_core)
    try:
        team = relay.team(min(readers + 1, CARDS_MAX))
        publisher = relay.session(team.mates[0])
        frames = [(0, frame) for frame in publishing(team.envelopes(0, stored))]
        answered(bench, [publisher], frames, 256, ACCEPTED)
        live = [relay.reader(team, number, stored + 1) for number in range(readers)]
        scene = _Scene(bench, team, publisher, live)
        alone = _live(scene, [], stored)
        back = [relay.session(team.mates[1 + n % readers]) for n in range(returning)]
        counted = _live(scene, back, stored + alone.messages)
    finally:
        relay.stop()
    read = (stored + alone.messages) * returning / counted.caught_up_seconds
    yield Sample("peerpost", f"catch-up of {returning}", "envelopes/s", read)
    for what, each in (("without", alone), ("during", counted)):
        yield Sample("peerpost", f"live p99 {what} catch-up", "ms", each.p99 * MILLISECONDS)
    yield generator_share("peerpost", "catch-up", counted)


def sealed(bench: Bench, cards: int) -> Iterator[Sample]:
    """Yield durable publishes a second of really sealed envelopes, and their bytes."""
    relay = RelayUnderLoad(bench.place(), bench.server_core)
    try:
        team = relay.team(cards)
        sender, all_cards = team.mates[0], [mate.card for mate in team.mates]
        count = max(1, min(200, bench.messages // 4))
        envelopes = [sender.sealed(team.roster, all_cards, "a short message") for _ in range(count)]
        line = relay.session(sender)
        frames = [(0, frame) for frame in publishing(iter(envelopes))]
        counted = answered(bench, [line], frames, 16, ACCEPTED)
        size = _bytes_read(relay.reader(team, 0, 1), count) / count
    finally:
        relay.stop()
    yield Sample("peerpost", f"sealed for {cards} cards, each delivery", "bytes", size)
    rate = counted.messages / counted.seconds
    yield Sample("peerpost", f"sealed for {cards} cards, 16 in flight", "publishes/s", rate)


def _bytes_read(line: Line, count: int) -> int:
    """Return how many bytes, WebSocket framing included, deliver so many envelopes."""
    size = 0
    while count:
        data = line.next()
        frame = decode_relay_frame(data)
        if isinstance(frame, Deliver):
            size += len(framed(data))
            count -= len(frame.items)
    return size


def answered(
    bench: Bench,
    lines: list[Line],
    frames: list[tuple[int, bytes]],
    window: int,
    mark: str,
    *,
    followers: Sequence[Line] = (),
) -> Counted:
    """Publish everything, so much of it in flight, and count the answers; followers only read."""
    told: dict[str, object] = {
        "mode": "ack",
        "window": max(1, window // len(lines)),
        "mark": mark,
        "seconds": FAN_SECONDS if window < SENDERS_MAX else ALL_SECONDS,
    }
    written = write_frames(bench.place(), frames)
    publishers, readers = ([line.socket for line in each] for each in (lines, followers))
    return bench.run(Load(written, publishers, readers, options=told))


class _Scene(NamedTuple):
    """Be a channel with somebody who writes and those who read along."""

    bench: Bench
    team: Team
    publisher: Line
    live: list[Line]


def _live(scene: _Scene, back: list[Line], base: int) -> Counted:
    """Publish at the rate to the live readers while the others read the `base` stored ones."""
    bench, team, publisher, live = scene
    count = max(1, min(bench.messages, int(RATE * RATE_SECONDS)))
    frames = write_frames(
        bench.place(), ((0, each) for each in publishing(team.envelopes(base, count)))
    )
    asked = masked(subscription(team, 1))
    kick = write_frames(bench.place(), ((1 + len(live) + n, asked) for n in range(len(back))))
    told: dict[str, object] = {
        "mode": "rate",
        "rate": RATE,
        "seconds": RATE_SECONDS,
        "mark": MARK,
        "skip": SKIP_BYTES,
        "base": base,
        "stored": base,
        "kick": kick,
    }
    sockets = [line.socket for line in live]
    return bench.run(
        Load(frames, [publisher.socket], sockets, [line.socket for line in back], told)
    )
