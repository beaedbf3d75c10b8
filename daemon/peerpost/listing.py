"""How results read for people: one line a thing, everything from others escaped."""

from __future__ import annotations

from time import localtime, strftime

from peerpost.progress import size
from peerpost.terminal import label, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from peerpost.types import (
        Account,
        Card,
        Channel,
        Check,
        Consumer,
        Contact,
        DeadLetter,
        Delivery,
        Device,
        Event,
        Finding,
        Health,
        Hit,
        Message,
        Policies,
        Recipient,
        Request,
        Status,
    )


_HALVES = {("0", "0"): "█", ("0", "1"): "▀", ("1", "0"): "▄", ("1", "1"): " "}


URGENT = ("high", "max")


def moment(ms: int | None) -> str:
    """Return a time in ms since the epoch as local date and time."""
    if ms is None:
        return "-"
    try:
        return strftime("%Y-%m-%d %H:%M:%S", localtime(ms / 1000))
    except (OverflowError, OSError, ValueError):  # a sender may claim any time
        return f"@{ms}ms"


def counted(number: int, noun: str) -> str:
    """Return `1 message`, `2 messages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def message_line(message: Message) -> str:
    """Return `time [channel] sender: text`."""
    where = label(message.get("channel_name") or message["channel"][:12])
    return f"{moment(message['sent_at_ms'])} [{where}] {label(message['from'])}: {body(message)}"


def hit_lines(hit: Hit) -> Iterable[str]:
    """Return a message that was found: when, where, who, and the words around the match."""
    message = hit["message"]
    where = label(message.get("channel_name") or (message["channel"] or "")[:12])
    said = "".join(label(piece["text"]) for piece in hit["snippet"])
    head = f"{moment(message['sent_at_ms'])} [{where}] {label(message['from'])}"
    yield f"{head}: {said}  ({label(message['message'])})"


def message_lines(message: Message) -> Iterable[str]:
    """Return a message and the reactions to it."""
    yield message_line(message)
    for reaction in message["reactions"]:
        yield f"    {label(reaction['emoji'])} {label(', '.join(reaction['identities']))}"


def event_line(event: Event) -> str:
    """Return an event of any kind on a line."""
    if event["kind"] == "message.changed":
        changed = event["data"]
        what = " ".join(filter(None, (changed["change"], changed["emoji"])))
        return f"{label(changed['by'])} {label(what)} {message_line(changed['message'])}"
    if event["kind"] == "message":
        return message_line(event["data"])  # type: ignore[arg-type]  # the kind says so
    return f"{moment(event.get('at_ms'))} {label(event['kind'])} {pairs(event['data'])}"


def pairs(data: dict[str, Any]) -> str:
    """Return an object as `name=value ...`, leaving out what is null."""
    return " ".join(
        f"{label(name)}={label(value)}" for name, value in data.items() if value is not None
    )


def delivery_lines(delivery: Delivery) -> Iterable[str]:
    """Return how far a message has come, and for whom."""
    where = delivery.get("to") or delivery.get("channel") or "-"
    reason = f" ({label(delivery['reason'])})" if delivery.get("reason") else ""
    sender = f"  from {label(delivery['from'])}" if "from" in delivery else ""
    state = f"{label(delivery['status'])}{reason}"
    yield f"{label(delivery['message'])}  {state}{sender}  to {label(where)}"
    for recipient in delivery.get("recipients", ()):
        state = "read" if recipient["read"] else _arrived(recipient)
        yield f"  {label(recipient['identity'])}  {label(recipient['card'][:12])}  {state}"

    for step in delivery.get("history", ()):
        why = f": {label(step['reason'])}" if step["reason"] else ""
        yield f"  {moment(step['at_ms'])}  {label(step['status'])}{why}"


def consumer_line(consumer: Consumer) -> str:
    """Return a consumer on a line."""
    held = (
        f"{consumer['in_flight']} in flight, {consumer['deferred']} deferred, "
        f"{counted(consumer['dead_letters'], 'dead letter')}"
    )
    where = f"at {consumer['cursor']}, {consumer['behind']} behind"
    return f"{label(consumer['consumer'])}  {where}" + (
        f", {held}" if consumer["ack_seconds"] is not None else ""
    )


def consumer_lines(consumer: Consumer) -> Iterable[str]:
    """Return a consumer and its terms."""
    yield consumer_line(consumer)
    channels, kinds = consumer["channels"], consumer["kinds"]
    yield f"  channels {'all' if channels is None else label(' '.join(channels))}"
    yield f"  kinds {'all' if kinds is None else label(' '.join(kinds))}"
    queue = f", queue of {consumer['ack_seconds']:g} s" if consumer["ack_seconds"] else ""
    tries = (
        f", at most {counted(consumer['max_attempts'], 'attempt')}"
        if consumer["max_attempts"]
        else ""
    )
    yield f"  window {consumer['window']}{queue}{tries}, {consumer['subscriptions']} listening"
    yield f"  last answer {moment(consumer['acknowledged_at_ms'])}, {consumer['lost']} lost"


def dead_letter_line(letter: DeadLetter) -> str:
    """Return a dead letter on a line."""
    why = f"{counted(letter['attempts'], 'attempt')}, {label(letter['reason'] or 'unknown')}"
    return f"{letter['cursor']}  ({why})  {event_line(letter)}"  # type: ignore[arg-type]  # enough of one


def status_lines(status: Status) -> Iterable[str]:
    """Return how the daemon is doing."""
    account, relay, outbox = status["account"], status["relay"], status["outbox"]
    yield f"daemon   {label(status['state'])}, version {label(status['version'])}, pid {status['pid']}"
    if account is not None:
        yield f"account  {label(account['identity'])}, {label(account['state'])}"
    error = f" ({label(relay['last_error'])})" if relay["last_error"] else ""
    yield f"relay    {label(relay['url'] or 'none')}, {label(relay['state'])}{error}"
    if status["state"] != "ready":
        return  # what only an open vault knows is 0 here, which would frighten
    stored = f"{counted(status['messages'], 'message')} in {counted(status['channels'], 'channel')}"
    yield f"outbox   {outbox['queued']} queued, {outbox['unacknowledged']} unacknowledged"
    yield f"stored   {stored}"


def health_lines(health: Health) -> Iterable[str]:
    """Return the findings, or that there are none."""
    if not health["findings"]:
        yield "all is well"
    for finding in health["findings"]:
        yield from finding_lines(finding)


def finding_lines(finding: Finding) -> Iterable[str]:
    """Return what is wrong and what to do."""
    yield f"{label(finding['severity']):8} {label(finding['kind'])}: {label(finding['detail'])}"
    yield f"         {label(finding['fix'])}"


def check_lines(check: Check) -> Iterable[str]:
    """Return a check of the doctor."""
    yield f"{label(check['result']):8} {label(check['check'])}: {label(check['detail'])}"
    if check["fix"]:
        yield f"         {label(check['fix'])}"


def account_lines(account: Account) -> Iterable[str]:
    """Return the account, what the relay knows of its identity, and what to read out to others."""
    reason = f" ({label(account['reason'])})" if account["reason"] else ""
    proof = account["attestation"] or "unverified"
    known = f", {label(proof)}" if account["state"] == "registered" else ""
    yield f"{label(account['identity'])}  {label(account['state'])}{known}{reason}"
    yield f"  device {label(account['device'])}, card {label(account['card'])}"
    yield f"  fingerprint {label(account['fingerprint'])}"


def channel_line(channel: Channel) -> str:
    """Return a channel on a line."""
    kind = "direct, " if channel["direct"] else ""
    return (
        f"{label(channel['channel'][:12])}  {label(channel['name'])}"
        f"  {kind}{label(channel['state'])}, {counted(len(channel['members']), 'member')}"
    )


def request_line(request: Request) -> str:
    """Return a request on a line: who asks, for what, and how much waits."""
    kind = "direct" if request["direct"] else f"{counted(len(request['members']), 'member')}"
    more = " and more" if request["full"] else ""
    return (
        f"{label(request['channel'][:12])}  {label(request['name'])}  {kind}, "
        f"from {label(request['inviter'])}, {request['waiting']} waiting{more}"
    )


def channel_lines(channel: Channel) -> Iterable[str]:
    """Return a channel and its members."""
    yield channel_line(channel)
    if channel["alias"]:
        yield f"  called {label(channel['alias'])} here"
    if channel["topic"]:
        yield f"  topic: {label(channel['topic'])}"
    for member in channel["members"]:
        trust = "" if member["trusted"] else ", not trusted"
        yield f"  {label(member['identity'])}  {label(member['role'])}{trust}"
    for identity in channel["bans"]:
        yield f"  {label(identity)}  banned"
    yield from _policy_lines(channel["policies"])


def _policy_lines(policies: Policies) -> Iterable[str]:
    if policies["post"] != "member":
        yield "  only admins post"
    if policies["add"] != "admin":
        yield "  members may add members"
    if policies["expire_after"] is not None:
        yield f"  messages are kept for {policies['expire_after']:g} s"


def contact_line(contact: Contact) -> str:
    """Return a contact on a line."""
    cards = counted(len(contact["cards"]), "card")
    name = f" ({label(contact['alias'])})" if contact["alias"] else ""
    policy = f", {label(contact['policy'])}" if contact["policy"] else ""
    return f"{label(contact['identity'])}{name}  {label(contact['state'])}{policy}, {cards}"


def qr_lines(rows: list[str]) -> Iterable[str]:
    """Return a QR code for a terminal: two squares in one character, dark ones left empty."""
    blank = "0" * max(map(len, rows), default=0)
    for upper, lower in zip(rows[::2], [*rows[1::2], blank], strict=False):
        yield "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))


def contact_lines(contact: Contact) -> Iterable[str]:
    """Return a contact and its cards."""
    yield contact_line(contact)
    for card in contact["cards"]:
        seen = f"first seen {moment(card['first_seen_ms'])}"
        name = f"{label(card['card'])}  {label(card['device'])}"
        known = label(card["attestation"] or "unverified")
        yield f"  {name}  {label(card['state'])}, {known}, {seen}"
        yield f"    fingerprint {label(card['fingerprint'])}"


def device_lines(device: Device) -> Iterable[str]:
    """Return a device of this identity."""
    here = ", this one" if device["this"] else ""
    why = f" ({label(device['reason'])})" if device["reason"] else ""
    yield f"{label(device['card'])}  {label(device['device'])}  {label(device['state'])}{why}{here}"
    yield f"  fingerprint {label(device['fingerprint'])}"
    if device["code"]:
        yield f"  code {label(device['code'])}"


def card_lines(card: Card) -> Iterable[str]:
    """Return a card of the directory."""
    trust = "trusted" if card["trusted"] else "not trusted"
    attestation = label(card["attestation"] or "unverified")
    yield f"{label(card['card'])}  {label(card['device'])}  {attestation}, {trust}"
    yield f"  fingerprint {label(card['fingerprint'])}"


def _arrived(recipient: Recipient) -> str:
    if recipient["delivered"]:
        return "delivered"
    return "on its way" if recipient["member"] else "no member any more, not waited for"


def body(message: Message) -> str:
    """Return what a message says, with its title and what has become of it."""
    if message["deleted_at_ms"] is not None:
        by = (
            ""
            if message["deleted_by"] == message["from"]
            else f" by {label(message['deleted_by'])}"
        )
        return f"<deleted{by}>"
    title = f"{label(message['title'])}: " if message["title"] else ""
    urgent = f"({message['priority']}) " if message["priority"] in URGENT else ""
    edited = " (edited)" if message["edited_at_ms"] is not None else ""
    return f"{urgent}{title}{_said(message)}{edited}"


def _said(message: Message) -> str:
    if message["kind"] == "text":
        return printable(message["text"] or "")
    if message["kind"] == "files":
        names = (f"[{label(f['name'])}, {size(f['size'])}]" for f in message["files"])
        return " ".join((printable(message["text"] or ""), *names)).strip()
    data = message["data"] or ""  # base64: a padding sign stands for a byte that is not there
    length = len(data) * 3 // 4 - data[-2:].count("=")
    return f"<{label(message['media_type'] or 'data')}, {counted(length, 'byte')}>"
