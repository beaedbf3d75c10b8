"""docs/openrpc.json and docs/schemas.json: the interface for programs."""

import json

from scripts.generation.interface import SCHEMAS, Json, interface

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DEFINITIONS = "#/$defs/"


def openrpc_file() -> str:
    """Return what `rpc.discover` answers."""
    return json.dumps(interface(), indent=1, ensure_ascii=False) + "\n"


def schemas_file() -> str:
    """Return the schemas of all params, results and events: `$defs` has METHOD.params, METHOD.result, event.KIND."""
    described = interface()
    definitions: Json = dict(described["components"]["schemas"])
    for method in described["methods"]:
        definitions[f"{method['name']}.params"] = _params(method)
        definitions[f"{method['name']}.result"] = method["result"]["schema"]
    for event in described["x-notifications"]:
        definitions[f"event.{event['kind']}"] = event["schema"]
    text = json.dumps({"$schema": DIALECT, "$defs": definitions}, indent=1, ensure_ascii=False)
    return text.replace(f'"{SCHEMAS}', f'"{DEFINITIONS}') + "\n"


def _params(method: Json) -> Json:
    return {
        "type": "object",
        "properties": {each["name"]: each["schema"] for each in method["params"]},
        "required": [each["name"] for each in method["params"] if each["required"]],
        "additionalProperties": False,
    }
