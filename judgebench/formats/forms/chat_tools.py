"""Tool definitions of OpenAI's chat API, which many files hold as a list of functions or as JSON text."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from judgebench.conversations import Conversation, Tool, packed, unpacked
from judgebench.formats.forms import canonical
from judgebench.formats.forms.sources import kept, kind_of, of_shape, restored, shape_of, text_in, with_difference

_BESIDE = ("tool_choice", "parallel_tool_calls", "response_format")  # of a request; they belong to the conversation
_COLUMNS = ("tools", "functions")


def read_tools(values: Mapping[str, Any]) -> tuple[tuple[Tool, ...], str | None, str]:
    """The tools that a row offers, their source where it would not be written again equal, and what stands beside."""
    beside = {key: values[key] for key in _BESIDE if values.get(key) is not None}
    column = next((key for key in _COLUMNS if values.get(key) is not None), "tools")
    source = values.get(column)
    if source is None:
        return (), None, packed(beside)
    if column != "tools":
        beside |= {"=": column}
    tools = listed_tools(source, column)
    same = canonical([written_tool(tool) for tool in tools]) == canonical(source)
    if not tools:
        beside |= {column: source}
    return tools, None if same or not tools else kept(source), packed(beside)


def listed_tools(source: Any, place: str) -> tuple[Tool, ...]:
    """The tools of a list, or of one in JSON text. Raises ValueError naming the field."""
    items = source
    if isinstance(source, str):
        try:
            items = json.loads(source) if source.strip() else []
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place}: must be a list of tools, is a text that is no JSON: {error}") from error
    if not isinstance(items, list):
        raise ValueError(f"{place}: must be a list of tools, is {kind_of(items)}")
    return tuple(_placed(item, f"{place}[{at}]") for at, item in enumerate(items))


def _placed(item: Any, place: str) -> Tool:
    try:
        return read_tool(item)
    except ValueError as error:
        raise ValueError(f"{place}{error}") from error


def read_tool(item: Any) -> Tool:
    """A tool as {"type": "function", "function": {...}}, or with its name and parameters in one object."""
    if not isinstance(item, Mapping):
        raise ValueError(f": must be an object, is {kind_of(item)}")
    kind = item["type"] if isinstance(item.get("type"), str) else "function"
    if kind not in ("function", "custom"):
        name = item["name"] if isinstance(item.get("name"), str) else kind
        return Tool(name, None, kept({key: value for key, value in item.items() if key != "type"}), kind)
    inner = item[kind] if isinstance(item.get(kind), Mapping) else item
    description, key = inner.get("description"), _parameters_key(kind)
    tool = Tool(
        text_in(inner, "name"),
        description if isinstance(description, str) else None,
        "" if inner.get(key) is None else kept(inner[key] if inner is item else _flat(inner[key])),
        kind,
        of_shape(None if inner is not item else "typed" if "type" in item else "bare"),
    )
    return replace(tool, extra=with_difference(tool.extra, item, written_tool(tool)))


def _parameters_key(kind: str) -> str:
    return "parameters" if kind == "function" else "format"


def _flat(parameters: Any) -> Any:
    """What a custom tool takes, as the Responses API says it: the chat API puts a grammar into an object of its own."""
    grammar = parameters.get("grammar") if isinstance(parameters, dict) else None
    if not isinstance(grammar, dict) or parameters.keys() != {"type", "grammar"} or "type" in grammar:
        return parameters
    return {"type": parameters["type"]} | grammar


def _nested(parameters: Any, kind: str) -> Any:
    """The same as the chat API says it."""
    if kind != "custom" or not isinstance(parameters, dict) or parameters.get("type") != "grammar":
        return parameters
    return {"type": "grammar", "grammar": {key: value for key, value in parameters.items() if key != "type"}}


def written_tool(tool: Tool) -> dict[str, Any]:
    if tool.kind not in ("function", "custom"):
        return {"type": tool.kind} | dict(json.loads(tool.parameters or "{}"))
    shape = shape_of(tool.extra)
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.parameters:
        parameters = json.loads(tool.parameters)
        inner[_parameters_key(tool.kind)] = parameters if shape else _nested(parameters, tool.kind)
    written = {"type": tool.kind, tool.kind: inner} if shape is None else inner
    return restored(written | ({"type": tool.kind} if shape == "typed" else {}), unpacked(tool.extra))


def written_tools(conversation: Conversation, *, native: bool) -> dict[str, Any]:
    """The columns of a row that hold the tools, and in a conversation of the same form what stood beside."""
    if not native:
        tools = [written_tool(replace(tool, extra="")) for tool in known_tools(conversation.tools)]
        return {"tools": tools} if tools else {}
    shape = shape_of(conversation.extra)
    column = shape if shape in _COLUMNS else "tools"
    beside = restored({}, unpacked(conversation.extra))
    if not conversation.tools:
        return beside
    raw = conversation.raw_tools
    return beside | {column: json.loads(raw) if raw else [written_tool(tool) for tool in conversation.tools]}


def known_tools(tools: Iterable[Tool]) -> list[Tool]:
    """Those of the kinds that a chat API offers."""
    return [tool for tool in tools if tool.kind in ("function", "custom")]
