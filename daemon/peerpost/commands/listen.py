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

ATTEMPTS = 5  # of an event with --exec, unless --max-attempts says otherwise
KINDS = (
    "message",
    "message.changed",
    "message.status",
    "receipt",
    "channel",
    "contact.changed",
    "quarantine",
    "link",
    "daemon",
    "backup",
    "file",
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
    parser.add_argument(
        "--exec",
        dest="command",
        metavar="CMD",
        help="run this in a shell for each event, which it gets as JSON on standard input; code 0 "
        "acknowledges, another one lets the event come again; needs --consumer",
    )
    parser.add_argument(
        "--jobs", type=natural, metavar="N", default=1, help="of --exec: so many at once (1)"
    )
    parser.add_argument(
        "--exec-timeout",
        type=seconds,
        metavar="S",
        default=60.0,
        help="of --exec: end it after S; the event comes again (60)",
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
    """Print each event, and acknowledge it once it is printed and flushed; or run the command."""
    if options.count == 0:
        raise UsageError("usage", "--count is at least 1.")
    if options.command is not None:
        _handle(client, options)
        return
    events = _events(client, options)
    for number in count(1):
        if (event := _next(events, options, number - 1)) is None:
            return
        screen.show(event, *(() if screen.as_json else (event_line(event),)))
        if not options.no_ack:
            events.ack(event)
        if number == options.count:
            return


def _handle(client: Client, options: Namespace) -> None:
    from peerpost.handling import ANSWER_SECONDS, Handling  # noqa: PLC0415 - printing needs none of it

    if options.consumer is None:
        raise UsageError("usage", "--exec needs --consumer: the daemon keeps what failed under it.")
    if options.jobs == 0 or options.no_ack or options.ack_seconds or options.window:
        sentence = (
            "--exec takes --jobs of at least 1, and neither --no-ack, --window nor --ack-seconds."
        )
        raise UsageError("usage", sentence)
    options.window = options.jobs
    options.ack_seconds = options.exec_timeout + ANSWER_SECONDS
    options.max_attempts = options.max_attempts or ATTEMPTS
    with Handling(client, options.command, options.exec_timeout) as handling:
        events = _events(client, options)
        for number in count(1):
            if (event := _next(events, options, number - 1)) is None:
                return
            handling.begin(event)
            if number == options.count:
                return


def _events(client: Client, options: Namespace) -> Listener:
    return client.listen(
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
