"""TLS in front of a plain relay, as a reverse proxy does it, with a certificate of its own.

async with TlsTerminator(folder, relay_port) as tls:
    SSL_CERT_FILE=tls.certificate   wss://localhost:PORT
"""

import asyncio
import datetime
import ssl
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "localhost"
CHUNK_BYTES = 64 * 1024
AN_HOUR_AGO = datetime.timedelta(hours=-1)
A_MONTH_AGO = datetime.timedelta(days=-30)


class TlsTerminator:
    """Accept TLS on a port of its own and pass the plain bytes on to the relay."""

    def __init__(self, folder: Path, relay_port: int, *, days: float = 1) -> None:
        self.certificate = folder / "certificate.pem"
        self._key = folder / "certificate.key"
        self._relay_port = relay_port
        self._days = days
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.broken = 0  # sessions that TLS itself ended: a record that did not authenticate

    @property
    def port(self) -> int:
        """Return where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        issue(self.certificate, self._key, begins=A_MONTH_AGO, days=self._days)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self._key)
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=context)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._relay_port)
            try:
                await self._both(reader, writer, far_reader, far_writer)
            finally:
                far_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass  # cancelled at the end: nobody awaits this task
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _both(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        ways = {
            asyncio.create_task(self._pipe(reader, far_writer)),
            asyncio.create_task(self._pipe(far_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            try:
                while data := await reader.read(CHUNK_BYTES):
                    writer.write(data)
                    await writer.drain()
            except ssl.SSLError:
                self.broken += 1


def issue(
    certificate: Path, key_file: Path, *, begins: datetime.timedelta = AN_HOUR_AGO, days: float = 1
) -> None:
    """Write a certificate for `localhost` that is its own authority, and its key; it ends `days` from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.touch(0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
