"""share/man: the commands' pages, made by argparse-manpage, and peerpost-rpc(5)."""

from argparse_manpage.manpage import Manpage

from peerpost.cli import EXIT_MEANINGS
from peerpost_daemon.version import VERSION
from scripts.generation.interface import Json, error_kinds, interface
from scripts.generation.parsers import PARSERS, fixed_width
from scripts.generation.wording import default, type_name, words

SUMMARIES = {
    "peerpost": "send and receive end-to-end-encrypted messages",
    "peerpostd": "the local daemon of peerpost",
    "peerpost-relay": "the relay where daemons of peerpost meet",
}
SECTIONS = {"peerpost": 1, "peerpostd": 8, "peerpost-relay": 8}
SEE_ALSO = ".BR peerpost (1),\n.BR peerpostd (8),\n.BR peerpost-relay (8),\n.BR peerpost-rpc (5)"
RPC = """\
.TH PEERPOST-RPC "5" "peerpost {version}" "peerpost" "peerpost"
.SH NAME
peerpost-rpc \\- the methods, events and errors of the socket of peerpostd
.SH DESCRIPTION
JSON-RPC 2.0 on a Unix socket: one JSON object, or a batch as a list, a line. Parameters are named.
The method rpc.discover returns all of this as an OpenRPC document.
Every method may also answer with invalid_params, internal_error and shutting_down.
.SH METHODS
{methods}
.SH EVENTS
Notifications of the method event, whose parameter kind is one of these.
{events}
.SH ERRORS
The kind stands in the member kind of the error's data.
{errors}
.SH SEE ALSO
{also}
"""


def command_manual(command: str) -> str:
    """Return the page of a command."""
    with fixed_width():
        parser = PARSERS[command]()
        about = {
            "project_name": "peerpost",
            "manual_title": "peerpost",
            "date": f"peerpost {VERSION}",
            "manual_section": SECTIONS[command],
            "description": SUMMARIES[command],
        }
        page = Manpage(parser, _data=about)
        if command == "peerpost":
            page.add_section("exit status", "=", _exit_status())
        page.add_section("see also", "=", SEE_ALSO)
        return str(page)


def rpc_manual() -> str:
    """Return peerpost-rpc(5)."""
    described = interface()
    return RPC.format(
        version=VERSION,
        methods="\n".join(map(_method, described["methods"])),
        events="\n".join(
            f".TP\n.B {roff(event['kind'])}\n{roff(event['summary'])} "
            f"Its data is {_article(event['schema'])}."
            for event in described["x-notifications"]
        ),
        errors="\n".join(
            f'.TP\n.BR {roff(kind)} " ({roff(str(error["code"]))})"\n{roff(error["message"])}'
            for kind, error in described["components"]["errors"].items()
        ),
        also=SEE_ALSO,
    )


def roff(text: str) -> str:
    """Return text that roff prints as it is."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{plain}" if plain[:1] in {".", "'"} else plain


def _method(method: Json) -> str:
    lines = [f".SS {roff(method['name'])}", roff(method["summary"])]
    lines.append(f"Scope {method['x-scope']}; needs {method['x-requires']}.")
    for param in method["params"]:
        value = default(param["schema"], required=param["required"])
        said = f"{words(param['schema'], type_name)}; {value if param['required'] else 'default ' + value}"
        lines += [".TP", f".I {roff(param['name'])}", roff(said)]
    result = type_name(method["result"]["schema"]["$ref"])
    own = [kind for kind in error_kinds(method) if kind not in {"internal_error", "shutting_down"}]
    lines += [".PP", f"Result: {result}. Errors: {roff(', '.join(own))}."]
    return "\n".join(lines)


def _article(schema: Json) -> str:
    return f"the type {type_name(schema['$ref'])}"


def _exit_status() -> str:
    return "\n".join(f".TP\n.B {code}\n{roff(text)}" for code, text in EXIT_MEANINGS.items())
