"""`peerpost listen`: print messages and other events as they come."""

from __future__ import annotations

from itertools import count

from peerpost.arguments import natural, seconds, start
from peerpost.errors import TimeoutWaitingError, UsageError
from peerpost.listing import event_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from peerpost.arguments import Parser
    from peerpost.client import Client
    from peerpost.listener import Listener
    from peerpost.terminal import Screen
    from peerpost.types import Event

KINDS = (
    "message",
    "message.status",
    "receipt",
    "channel",
    "contact.changed",
    "quarantine",
    "link",
    "daemon",
)


def arguments(parser: Parser) -> None:
    """Declare whose events, which, from where and until when."""
    parser.add_argument(
        "--consumer", metavar="NAME", help="resume where this reader stopped, and miss nothing"
    )
    parser.add_argument(
        "--channel", action="append", metavar="C", help="only from this channel; repeatable"
    )
    parser.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        metavar="K",
        help=f"this kind of event (message); repeatable: {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--from",
        dest="from_",
        type=start,
        metavar="WHERE",
        help="start, now, a time (2026-11-22T15:00:00Z), or after a cursor",
    )
    parser.add_argument(
        "--window", type=natural, metavar="N", help="take at most N events unacknowledged (100)"
    )
    parser.add_argument(
        "--ack-seconds",
        type=seconds,
        metavar="S",
        help="make the consumer a queue: what is not acknowledged in S comes again, and listeners "
        "of one name compete",
    )
    parser.add_argument(
        "--max-attempts", type=natural, metavar="N", help="of a queue: a dead letter after N tries"
    )
    parser.add_argument("--count", type=natural, metavar="N", help="end after N events")
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", help="end after S; code 5 if --count is not reached"
    )
    parser.add_argument(
        "--no-ack",
        action="store_true",
        help="leave the events to the next run; no more than --window come",
    )
    parser.add_argument(
        "--reconnect", action="store_true", help="wait for a daemon that has gone away"
    )


def run(client: Client, options: Namespace, screen: Screen) -> None:
    """Print each event, and acknowledge it once it is printed and flushed."""
    if options.count == 0:
        raise UsageError("usage", "--count is at least 1.")
    events = client.listen(
        consumer=options.consumer,
        channels=options.channel,
        kinds=options.kind or ["message"],
        from_=options.from_,
        window=options.window,
        ack_seconds=options.ack_seconds,
        max_attempts=options.max_attempts,
        timeout=options.timeout,
        reconnect=options.reconnect,
    )
    for number in count(1):
        if (event := _next(events, options, number - 1)) is None:
            return
        screen.show(event, *(() if screen.as_json else (event_line(event),)))
        if not options.no_ack:
            events.ack(event)
        if number == options.count:
            return


def _next(events: Listener, options: Namespace, so_far: int) -> Event | None:
    """Return the next event, None once the time is up and nobody counts."""
    try:
        return next(events)
    except TimeoutWaitingError as error:
        if options.timeout is None:
            raise
        if options.count is None:
            return None
        sentence = f"{so_far} of {options.count} events came in {options.timeout:g} s."
        raise TimeoutWaitingError(error.kind, sentence, error.data) from None
