"""docs/reference: a page for the methods of each noun, one for the types, one for events, one for errors."""

from collections.abc import Iterator

from scripts.generation.interface import Json, error_kinds, interface, noun_of, schema_named
from scripts.generation.wording import default, sentences, type_name, words

MADE = "Made by `scripts/generate` from the definitions that check the calls."
REQUIRES = {
    "nothing": "Needs nothing",
    "vault": "Needs an unlocked vault",
    "account": "Needs an account",
}


def noun_page(noun: str) -> str:
    """Return the page of the methods of a noun."""
    methods = [method for method in interface()["methods"] if noun_of(method) == noun]
    return "\n".join([f"# {noun}.*", "", MADE, "", *(_method(each) for each in methods)])


def types_page() -> str:
    """Return the page of everything that results and events are made of."""
    parts = [f"# Types\n\n{MADE}\n"]
    for reference in sorted(_reached(), key=lambda each: type_name(each).lower()):
        struct = schema_named(reference)
        parts.append(f"## {type_name(reference)}\n\n{sentences(struct)}\n\n{_members(struct)}")
    return "\n".join(parts)


def events_page() -> str:
    """Return the page of the kinds of events."""
    intro = (
        "A subscription ([event.subscribe](event.md#eventsubscribe)) brings these; "
        "[docs/rpc.md](../rpc.md#events) says how and shows one."
    )
    parts = [f"# Events\n\n{MADE} {intro}\n"]
    for event in interface()["x-notifications"]:
        link = _refer(event["schema"]["$ref"])
        parts.append(f"## {event['kind']}\n\n{event['summary']} `data`: {link}.\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Return the page of the errors and the methods that answer with them."""
    lines = [f"# Errors\n\n{MADE} [docs/rpc.md](../rpc.md#errors) shows one.\n"]
    for kind, error in interface()["components"]["errors"].items():
        users = [_method_link(each) for each in interface()["methods"] if kind in error_kinds(each)]
        where = "any method" if len(users) == len(interface()["methods"]) else ", ".join(users)
        lines.append(f"## {kind}\n\n{error['code']}: {error['message']}\n")
        lines.append(f"Answered by {where}.\n" if where else "Answered before there is a method.\n")
    return "\n".join(lines)


def method_rows() -> list[str]:
    """Return a table's rows: method, scope, what it is for."""
    return [
        f"| {_method_link(each)} | `{each['x-scope']}` | {cell(each['summary'])} |"
        for each in interface()["methods"]
    ]


def cell(text: str) -> str:
    """Return text that may stand in a table."""
    return text.replace("|", r"\|")


def anchor(heading: str) -> str:
    """Return the fragment of a heading."""
    kept = "".join(each for each in heading.lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")


def _method(method: Json) -> str:
    name = method["name"]
    errors = ", ".join(f"[{kind}](errors.md#{kind})" for kind in error_kinds(method))
    example = f"[Example](../rpc.md#{anchor(name)})."
    return "\n".join(
        (
            f"## {name}\n",
            f"{method['summary']} {example}\n",
            f"{REQUIRES[method['x-requires']]}; scope `{method['x-scope']}`.\n",
            f"{_params(method)}",
            f"Result: {_refer(method['result']['schema']['$ref'])}\n",
            f"Errors: {errors}\n",
        )
    )


def _params(method: Json) -> str:
    if not method["params"]:
        return "No parameters.\n"
    rows = [
        f"| `{param['name']}` | {cell(words(param['schema'], _refer))} "
        f"| {cell(default(param['schema'], required=param['required']))} |"
        for param in method["params"]
    ]
    return "\n".join(("| parameter | type | default |", "| --- | --- | --- |", *rows, ""))


def _members(struct: Json) -> str:
    rows = [
        f"| `{name}` | {cell(words(schema, _refer))} |"
        for name, schema in struct["properties"].items()
    ]
    if not rows:
        return "No members.\n"
    return "\n".join(("| member | type |", "| --- | --- |", *rows, ""))


def _refer(reference: str) -> str:
    name = type_name(reference)
    return f"[{name}](types.md#{anchor(name)})"


def _method_link(method: Json) -> str:
    return f"[{method['name']}]({noun_of(method)}.md#{anchor(method['name'])})"


def _reached() -> set[str]:
    """Return the references to all structs that pages link to."""
    found: set[str] = set()
    waiting = [each["result"]["schema"] for each in interface()["methods"]]
    waiting += [each["schema"] for each in interface()["x-notifications"]]
    waiting += [param["schema"] for each in interface()["methods"] for param in each["params"]]
    while waiting:
        for reference in _references(waiting.pop()):
            if reference not in found and "properties" in schema_named(reference):
                found.add(reference)
                waiting.append(schema_named(reference)["properties"])
    return found


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
