"""docs/reference/README.md: what there is."""

from scripts.generation.interface import interface
from scripts.generation.methods import MADE, anchor, method_rows

PAGE = """\
# Reference

{made} The text with examples is [docs/rpc.md](../rpc.md).

- [Commands](commands.md): `peerpost`, `peerpostd`, `peerpost-relay`, every argument, the exit codes
- [Configuration](../configuration.md): every setting
- [Types](types.md): what results and events are made of
- [Events](events.md): {events}
- [Errors](errors.md): every kind and who answers with it
- For programs: [openrpc.json](../openrpc.json), which `rpc.discover` answers too, and
  [schemas.json](../schemas.json), JSON Schemas whose `$defs` has `METHOD.params`, `METHOD.result` and `event.KIND`

| method | scope | |
| --- | --- | --- |
{methods}
"""


def contents_page() -> str:
    """Return the page."""
    kinds = [event["kind"] for event in interface()["x-notifications"]]
    events = ", ".join(f"[{kind}](events.md#{anchor(kind)})" for kind in kinds)
    return PAGE.format(made=MADE, events=events, methods="\n".join(method_rows()))
