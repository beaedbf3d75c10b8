"""JSON Schema in words: types, bounds and defaults as a person reads them."""

import json
from collections.abc import Callable
from typing import Any

from scripts.generation.interface import SCHEMAS, Json, schema_named

Refer = Callable[[str], str]
"""Write the name of a type, given its reference."""
_BOUNDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "matching `{}`",
    "description": "{}",
}
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}


def words(schema: Json, refer: Refer) -> str:
    """Return the type and its bounds."""
    bounds = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    if schema.get("minLength") == 1 or schema.get("minItems") == 1:
        bounds[0] = "not empty"
    return ", ".join([_kind(schema, refer), *bounds])


def default(schema: Json, *, required: bool) -> str:
    """Return the default as JSON, or that there is none."""
    return "required" if required else f"`{json.dumps(schema.get('default'))}`"


def sentences(struct: Json) -> str:
    """Return what a type says of itself, in one line."""
    return " ".join(struct.get("description", "").split())


def type_name(reference: str) -> str:
    """Return a type's name without the module that holds it."""
    return reference.removeprefix(SCHEMAS).rpartition(".")[2]


def _kind(schema: Json, refer: Refer) -> str:
    if "$ref" in schema:
        meant = schema_named(schema["$ref"])
        return _choice(meant["enum"]) if "enum" in meant else refer(schema["$ref"])
    if "anyOf" in schema:
        return " or ".join(words(each, refer) for each in schema["anyOf"])
    if "enum" in schema:
        return _choice(schema["enum"])
    if schema.get("type") == "array":
        return f"list of {words(schema.get('items', {}), refer)}"
    if "contentEncoding" in schema:
        return str(schema["contentEncoding"])
    return _TYPES.get(str(schema.get("type")), "anything")


def _choice(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)
