"""Findings: what is not as it should be, from facts alone. One rule a kind, in the order they are shown.

Each rule returns the detail to be shown, or None when all is well; TABLE gives its kind, severity and what to do.
A kind is a word of the public interface (docs/rpc.md); monitoring branches on it.
"""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from peerpost_daemon.health.facts import Facts
from peerpost_daemon.link.status import LinkState

LINK_DOWN_MS: Final = 60_000
SILENT_MS: Final = 10_000
SKEW_MS: Final = 60_000
STUCK_MS: Final = 5 * 60_000
UNACKNOWLEDGED_MS: Final = 7 * 86_400_000
FILLING: Final = 0.8  # of a bound of the outbox or of the history
LOW_BYTES: Final = 256 * 1024 * 1024
LOG_FRAMES: Final = 40_000  # ten times what the writer lets it come to

Severity = Literal["error", "warning"]
Rule = Callable[[Facts], str | None]


class Finding(Struct, frozen=True):
    """Say what is wrong, how badly, and what to do."""

    kind: str
    severity: Severity
    detail: str
    fix: str


class Row(Struct, frozen=True):
    """Be a kind of finding."""

    kind: str
    severity: Severity
    rule: Rule
    fix: str


def findings(facts: Facts) -> list[Finding]:
    """Return what follows from the facts; nothing when all is well."""
    found = ((row, row.rule(facts)) for row in TABLE)
    return [Finding(row.kind, row.severity, detail, row.fix) for row, detail in found if detail]


# --- vault and account


def _no_vault(facts: Facts) -> str | None:
    return "There is no vault yet." if facts.state == "no_vault" else None


def _locked(facts: Facts) -> str | None:
    return "The vault is locked; nothing is sent or received." if facts.state == "locked" else None


def _no_account(facts: Facts) -> str | None:
    missing = facts.state == "ready" and facts.account is None
    return "No account is registered with this daemon." if missing else None


def _refused(facts: Facts) -> str | None:
    if facts.account != "refused" and facts.link.state is not LinkState.REFUSED:
        return None
    return f"The relay refuses this account: {facts.link.last_error or 'see account.show'}."


# --- the link


def _link_down(facts: Facts) -> str | None:
    link = facts.link
    waits = link.state in (LinkState.WAITING, LinkState.CONNECTING)
    if not waits or (link.down_ms or 0) < LINK_DOWN_MS:
        return None
    return f"{link.url} is out of reach: {link.last_error or 'it does not answer'}."


def _link_silent(facts: Facts) -> str | None:
    link = facts.link
    if link.state is not LinkState.ONLINE or (link.heard_ago_ms or 0) < SILENT_MS:
        return None
    return f"Nothing came from the relay for {_span(link.heard_ago_ms or 0)}."


def _clock_skew(facts: Facts) -> str | None:
    skew = facts.link.clock_skew_ms
    if skew is None or abs(skew) < SKEW_MS:
        return None
    return f"This clock is {_span(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the relay's."


# --- outbox and consumers


def _stuck(facts: Facts) -> str | None:
    box = facts.outbox
    age = box.oldest_queued_age_ms if box else None
    if box is None or age is None or age < STUCK_MS:
        return None
    return f"{box.queued} messages wait for the relay, the oldest for {_span(age)}."


def _filling(facts: Facts) -> str | None:
    box = facts.outbox
    if box is None:
        return None
    part = max(box.queued / box.max_queued, box.queued_bytes / box.max_queued_bytes)
    return f"The outbox is {part:.0%} full." if part >= FILLING else None


def _unacknowledged(facts: Facts) -> str | None:
    box = facts.outbox
    age = box.oldest_unacknowledged_age_ms if box else None
    if box is None or age is None or age < UNACKNOWLEDGED_MS:
        return None
    return f"{box.unacknowledged} messages wait for receivers, the oldest for {_span(age)}."


def _lagging(facts: Facts) -> str | None:
    if not facts.consumers:
        return None
    named = ", ".join(f"{lag.consumer} ({lag.reason})" for lag in facts.consumers[:5])
    more = f" and {len(facts.consumers) - 5} more" if len(facts.consumers) > 5 else ""
    return f"Consumers lag: {named}{more}."


# --- storage


def _storage(kind: str) -> Rule:
    def rule(facts: Facts) -> str | None:
        storage = facts.storage
        return (storage.trouble_detail or kind) if storage.trouble == kind else None

    return rule


def _read_only(facts: Facts) -> str | None:
    return "The data directory cannot be written to." if facts.storage.read_only else None


def _disk_low(facts: Facts) -> str | None:
    free = facts.storage.free_bytes
    if free is None or free >= LOW_BYTES:
        return None
    return f"The disk of the vault has {free // 1024} KiB left."


def _history(*, full: bool) -> Rule:
    def rule(facts: Facts) -> str | None:
        held, bound = facts.storage.history_bytes or 0, facts.storage.max_history_bytes
        if held < FILLING * bound or (held >= bound) is not full:
            return None
        return f"The messages take {held // 1_048_576} of {bound // 1_048_576} MiB."

    return rule


def _damaged(facts: Facts) -> str | None:
    return facts.storage.damage


def _long_log(facts: Facts) -> str | None:
    frames = facts.storage.log_frames
    return f"The write-ahead log holds {frames} frames." if frames >= LOG_FRAMES else None


# --- what happened


def _faults(facts: Facts) -> str | None:
    return f"{facts.faults} faults of the daemon itself were survived." if facts.faults else None


def _alarm(change: str) -> Rule:
    def rule(facts: Facts) -> str | None:
        for alarm in facts.alarms:
            if alarm.change == change:
                return f"{alarm.detail or change} ({alarm.count} times)"
        return None

    return rule


def _span(milliseconds: float) -> str:
    for unit, size in (("days", 86_400_000), ("hours", 3_600_000), ("minutes", 60_000)):
        if milliseconds >= 2 * size:
            return f"{milliseconds / size:.0f} {unit}"
    return f"{milliseconds / 1000:.0f} seconds"


_SPACE = "Free some space on the disk; what could not be stored is fetched again by itself."
_SENT_AGAIN = "Nothing needs to be done here; ask those concerned whether something is missing."

TABLE: Final = (
    Row("no_vault", "error", _no_vault, "Make one: peerpost init."),
    Row("locked", "error", _locked, "Unlock it: peerpost unlock."),
    Row("no_account", "error", _no_account, "Register: peerpost register IDENTITY."),
    Row("account_refused", "error", _refused, "Register again, with another token or relay."),
    Row("link_down", "error", _link_down, "Check the network, the relay's address and the relay."),
    Row(
        "link_silent", "error", _link_silent, "Check the network; the link is begun anew by itself."
    ),
    Row("clock_skew", "warning", _clock_skew, "Set the clock here, or tell the relay's operator."),
    Row("outbox_stuck", "error", _stuck, "Look at the link, and at message.status of the oldest."),
    Row(
        "outbox_filling", "warning", _filling, "Send less, or mend the link; new ones are refused."
    ),
    Row("receivers_silent", "warning", _unacknowledged, "Ask whether the receivers' daemons run."),
    Row("consumer_lagging", "warning", _lagging, "Start the consumer again, or remove it."),
    Row("storage_full", "error", _storage("storage_full"), _SPACE),
    Row(
        "storage_failed",
        "error",
        _storage("storage_failed"),
        "Check disk, owner and mode of the data directory and the system's log; peerpost doctor.",
    ),
    Row("read_only", "error", _read_only, "Mount it for writing, or give its owner the right."),
    Row("disk_low", "warning", _disk_low, "Free some space before the vault needs it."),
    Row(
        "history_filling",
        "warning",
        _history(full=False),
        "Nothing needs to be done: the oldest give way. Set a higher bound to keep more.",
    ),
    Row(
        "history_full",
        "error",
        _history(full=True),
        "Let the consumers acknowledge, or remove one, or set a higher bound: nothing new is stored.",
    ),
    Row(
        "quarantine_let_go",
        "warning",
        _alarm("quarantine_let_go"),
        "Look at the quarantine events: block who sends rubbish, or accept whom you trust.",
    ),
    Row("vault_damaged", "error", _damaged, "Stop the daemon, copy its files, restore a backup."),
    Row("long_log", "warning", _long_log, "Find out what keeps the disk from being written to."),
    Row("engine_fault", "warning", _faults, "Send the daemon's log to the makers of peerpost."),
    Row(
        "vault_rolled_back",
        "warning",
        _alarm("sequence_recovered"),
        "The vault was an older copy; what it lacked was fetched again as far as the relay has it.",
    ),
    Row("relay_rolled_back", "warning", _alarm("relay_rolled_back"), _SENT_AGAIN),
    Row("roster_given_back", "warning", _alarm("roster_given_back"), _SENT_AGAIN),
    Row(
        "roster_not_given_back",
        "error",
        _alarm("roster_not_given_back"),
        "Nothing is sent there meanwhile; it is tried again, and goes once the members' cards are back.",
    ),
    Row(
        "roster_forked",
        "error",
        _alarm("roster_forked"),
        "Begin a new channel: two different changes of this one have been signed and believed.",
    ),
    Row(
        "relay_lost_messages",
        "error",
        _alarm("relay_lost_messages"),
        "Tell the relay's operator. What was kept was sent again; message.status names who has what.",
    ),
    Row(
        "sequence_claimed",
        "error",
        _alarm("sequence_claimed"),
        "The relay is at fault, or lies; what waits goes once a session with it says otherwise.",
    ),
    Row(
        "receivers_ahead",
        "error",
        _alarm("receivers_ahead"),
        "Were vault and relay older copies, or does that member lie? Nothing is sealed there until the relay agrees.",
    ),
    Row(
        "sequence_leapt",
        "warning",
        _alarm("sequence_leapt"),
        "It goes on by itself; what was said in between is with those who have it. message.status names them.",
    ),
    Row("relay_store_changed", "warning", _alarm("relay_store_changed"), _SENT_AGAIN),
    Row("history_lost", "warning", _alarm("history_lost"), "It had expired at the relay."),
    Row(
        "backup_fetched",
        "warning",
        _alarm("backup_fetched"),
        "Was it you? If not: revoke that card, destroy the backup, make one with a new passphrase.",
    ),
    Row(
        "backup_rolled_back",
        "error",
        _alarm("backup_rolled_back"),
        "Tell the relay's operator, and make a new backup.",
    ),
)
