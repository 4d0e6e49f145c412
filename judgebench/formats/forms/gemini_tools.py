"""Tool definitions of Gemini: functions are declared in a list within a tool, other tools stand under their kinds."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from judgebench.conversations import Tool
from judgebench.formats.forms import canonical
from judgebench.formats.forms.sources import kept, kind_of, of_shape, shape_of, text_in

_DECLARATIONS = ("functionDeclarations", "function_declarations")
_JSON_SCHEMAS = ("parametersJsonSchema", "parameters_json_schema")
_TYPES = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")


def read_tools(sources: Any) -> tuple[tuple[Tool, ...], str | None]:
    """The tools, and their source where they would not be written again equal. Raises ValueError, with the field."""
    if not isinstance(sources, list | None):
        raise ValueError(f"tools: must be a list, is {kind_of(sources)}")
    tools = tuple(tool for number, entry in enumerate(sources or ()) for tool in _entry(entry, f"tools[{number}]"))
    same = canonical(written_tools(tools)) == canonical(sources)
    return tools, None if same or not tools else kept(sources)


def _entry(entry: Any, place: str) -> Iterator[Tool]:
    if not isinstance(entry, Mapping):
        raise ValueError(f"{place}: must be an object, is {kind_of(entry)}")
    for key, value in entry.items():
        if key not in _DECLARATIONS:
            yield Tool(key, None, kept(value), key)
            continue
        if not isinstance(value, list) or not all(isinstance(declared, Mapping) for declared in value):
            raise ValueError(f"{place}.{key}: must be a list of objects")
        for number, declared in enumerate(value):
            try:
                yield _declared(declared)
            except ValueError as error:
                raise ValueError(f"{place}.{key}[{number}]{error}") from error


def _declared(source: Mapping[str, Any]) -> Tool:
    description = source.get("description")
    key = next((key for key in (*_JSON_SCHEMAS, "parameters") if source.get(key) is not None), None)
    schema = None if key is None else _cased(source[key], str.lower)
    shape = None
    if key == "parameters":
        shape = key if canonical(schema) == canonical(source[key]) else "upper"
    return Tool(
        text_in(source, "name"),
        description if isinstance(description, str) else None,
        "" if key is None else kept(schema),
        extra=of_shape(shape),
    )


def _cased(schema: Any, case: Any) -> Any:
    """The schema with the names of its types in lower case, as JSON Schema has them, or in upper case."""
    if isinstance(schema, list):
        return [_cased(value, case) for value in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: case(value)
        if key == "type" and isinstance(value, str) and value.upper() in _TYPES
        else _cased(value, case)
        for key, value in schema.items()
    }


def written_tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """All functions in one tool, the others behind it."""
    declared = [_written(tool) for tool in tools if tool.kind == "function"]
    others = [{tool.kind: json.loads(tool.parameters)} for tool in tools if tool.kind != "function"]
    return [*([{"functionDeclarations": declared}] if declared else []), *others]


def _written(tool: Tool) -> dict[str, Any]:
    values = {"name": tool.name} | ({} if tool.description is None else {"description": tool.description})
    if not tool.parameters:
        return values
    schema, shape = json.loads(tool.parameters), shape_of(tool.extra)
    if shape is None:
        return values | {"parametersJsonSchema": schema}
    return values | {"parameters": _cased(schema, str.upper) if shape == "upper" else schema}
