"""Does a relay answer where the settings say: that of this folder, well, with the certificate of the file."""

import asyncio
import json
import os
import ssl
from pathlib import Path
from typing import Any

from msgspec import Struct

from peerpost_protocol.check import Check, failed, passed, skipped
from peerpost_relay.configuration import RelayConfiguration, address_of

REACH_SECONDS = 5.0
ANSWER_BYTES_MAX = 64 * 1024
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked for when all are listened on
_START = "Start the relay; its log says why it stopped."


class Answer(Struct, frozen=True):
    """Be what a relay said of itself: `GET /`, `GET /health`, and the certificate that it presented."""

    information: dict[str, Any]
    health: dict[str, Any]
    certificate: bytes | None


async def listeners(settings: RelayConfiguration, own_key: str | None) -> list[Check]:
    """Ask at each address."""
    return [await _listener(text, settings, own_key) for text in settings.listen]


async def _listener(text: str, settings: RelayConfiguration, own_key: str | None) -> Check:
    host, port = address_of(text)
    if port == 0 and not host.startswith("unix:"):
        return skipped("listener", f"{text} is another port at every start")
    try:
        async with asyncio.timeout(REACH_SECONDS):
            answer = await _ask(host, port, tls=settings.tls.certificate is not None)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
        why = _why(error)
        return failed("listener", f"{text} does not answer as a relay ({why}).", _START)
    return _judged(text, answer, settings, own_key)


def _why(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number and number > 0 else type(error).__name__


def _judged(text: str, answer: Answer, settings: RelayConfiguration, own_key: str | None) -> Check:
    if answer.information.get("relay_key") != own_key:
        detail = f"{text} is answered by another relay than that of this folder."
        return failed("listener", detail, "Name its folder by --data, or end the other one.")
    if answer.health.get("well") is not True:
        detail = f"{text} answers, but is not well: {answer.health.get('database')}."
        return failed("listener", detail, "Its log says why; look after the disk.")
    file = settings.tls.certificate
    if answer.certificate is not None and file is not None and _differs(file, answer.certificate):
        detail = f"{text} presents another certificate than {file}."
        return failed("listener", detail, "systemctl reload peerpost-relay", severity="warning")
    return passed("listener", f"{text} answers and is well")


def _differs(file: Path, presented: bytes) -> bool:
    """Tell whether a file that can be read begins with another certificate."""
    try:
        text = file.read_text()
        first = text[text.index("-----BEGIN CERTIFICATE-----") :]
        return (
            ssl.PEM_cert_to_DER_cert(first[: first.index("-----END CERTIFICATE-----") + 25])
            != presented
        )
    except (OSError, ValueError):
        return False


async def _ask(host: str, port: int, *, tls: bool) -> Answer:
    information, certificate = await _get(host, port, "/", tls=tls)
    health, _ = await _get(host, port, "/health", tls=tls)
    return Answer(information, health, certificate)


async def _get(
    host: str, port: int, path: str, *, tls: bool
) -> tuple[dict[str, Any], bytes | None]:
    """Return the JSON that a path answers with, and the certificate. Raises OSError and ValueError."""
    reader, writer = await _connect(host, port, tls=tls)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(ANSWER_BYTES_MAX)
        while chunk := await reader.read(ANSWER_BYTES_MAX):
            answer += chunk
            if len(answer) > ANSWER_BYTES_MAX:
                raise ValueError("more than a relay says")
        presented = writer.get_extra_info("ssl_object")
        certificate = presented.getpeercert(binary_form=True) if presented else None
    finally:
        writer.close()
    found = json.loads(answer.partition(b"\r\n\r\n")[2])
    if not isinstance(found, dict):
        raise ValueError("no relay says that")  # noqa: TRY004 - it is the answer that is wrong
    return found, certificate


async def _connect(
    host: str, port: int, *, tls: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if host.startswith("unix:"):
        return await asyncio.open_unix_connection(host.removeprefix("unix:"))
    context = None
    if tls:
        # Whose certificate it is, is compared by its bytes and judged by the check `tls`: it need not be for this name.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return await asyncio.open_connection(_ANY.get(host, host), port, ssl=context)
