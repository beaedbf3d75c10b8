"""The files of messages."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peerpost.types import (
        Draft,
        File,
        FilePiece,
        Saved,
    )


class FileMethods:
    """Hand over, fetch and save files."""

    @method("file.begin")
    def file_begin(self, name: str, *, media_type: str | None = None) -> Draft:
        """Begin to hand over a file that a message will have; it goes with the connection."""

    @method("file.write")
    def file_write(self, draft: int, offset: int, data: bytes) -> Draft:
        """Hand over the next bytes of a draft, which has `offset` of them."""

    @method("file.show")
    def file_show(self, file: int) -> File:
        """Show a file, and how far it has come."""

    @method("file.fetch")
    def file_fetch(self, file: int, *, timeout: float | None = None) -> File:
        """Fetch a file from the relay, and wait until it is here."""

    @method("file.read")
    def file_read(self, file: int, offset: int, *, length: int | None = None) -> FilePiece:
        """Return bytes of a file that is here."""

    @method("file.save")
    def file_save(self, file: int, path: str, *, overwrite: bool = False) -> Saved:
        """Let the daemon write a file; for its own user."""
