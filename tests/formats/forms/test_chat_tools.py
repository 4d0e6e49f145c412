"""Tool definitions, in the shapes in which files hold them."""

import json
from typing import Any

import pytest

from judgebench.conversations import Tool, tools_identity
from judgebench.formats.forms.chat_tools import known_tools, listed_tools, written_tool
from judgebench.formats.forms.registry import named
from tests.formats.forms.agent import rewritten, same

ASK = [{"role": "user", "content": "Two?"}]
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {}}}}
GRAMMAR = {"syntax": "lark", "definition": "start: /a/"}
TOOLS: list[list[Any]] = [
    [{"type": "function", "function": FUNCTION}],
    [{"type": "function", "function": {"name": "f"}, "cache": 1}, {"type": "function", "function": FUNCTION}],
    [{"type": "function", "function": FUNCTION | {"strict": None, "parameters": None, "description": None}}],
    [{"type": "function", "function": FUNCTION | {"description": 7}}],
    [{"function": FUNCTION}],
    [{"type": "function", **FUNCTION, "strict": True}],
    [FUNCTION],
    [{"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar", "grammar": GRAMMAR}}}],
    [{"type": "custom", "name": "sql", "format": {"type": "grammar", **GRAMMAR}}],
    [{"type": "custom", "custom": {"name": "sql", "format": {"type": "text"}}}],
    [{"type": "web_search", "filters": {"allowed_domains": ["example.org"]}}],
    [{"type": "mcp", "name": "m", "server_url": "https://example.org"}],
    [],
]


@pytest.mark.parametrize("name", ["openai-chat", "responses"])
@pytest.mark.parametrize("tools", TOOLS, ids=str)
def test_tools_come_back_equal(name: str, tools: list[Any]) -> None:
    column = "input" if name == "responses" else "messages"
    for source in (tools, json.dumps(tools), json.dumps(tools, indent=1)):
        row = {column: ASK, "tools": source, "tool_choice": "auto"}
        again = rewritten(named(name), row)
        assert same((again["tools"], again["tool_choice"]), (source, "auto"))


@pytest.mark.parametrize("tools", TOOLS, ids=str)
def test_tools_of_sharegpt_are_a_text(tools: list[Any]) -> None:
    row = {"conversations": [{"from": "human", "value": "Two?"}], "tools": json.dumps(tools)}
    assert same(rewritten(named("sharegpt"), row), row)


def test_functions_come_back_under_their_old_name() -> None:
    row = {"messages": ASK, "functions": [FUNCTION]}
    assert same(rewritten(named("openai-chat"), row), row)


@pytest.mark.parametrize("text", ["", "  ", None])
def test_no_tools_are_none(text: Any) -> None:
    assert named("openai-chat").read({"messages": ASK, "tools": text}, {}).conversation.tools == ()


def test_one_tool_is_the_same_in_every_shape() -> None:
    functions = [TOOLS[0], TOOLS[4], TOOLS[5], TOOLS[6], json.dumps(TOOLS[0])]
    assert len({str(tools_identity(listed_tools(source, "tools"))) for source in functions}) == 1
    assert tools_identity(listed_tools(TOOLS[7], "tools")) == tools_identity(listed_tools(TOOLS[8], "tools"))


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("{", "tools: must be a list of tools, is a text that is no JSON"),
        (3, "tools: must be a list of tools, is a number"),
        ([3], r"tools\[0\]: must be an object, is a number"),
        ([FUNCTION, {"type": "function"}], r"tools\[1\].name: must be a text, is null"),
    ],
)
def test_what_is_no_tool_is_refused_by_the_name_of_its_field(source: Any, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        named("openai-chat").read({"messages": ASK, "tools": source}, {})


def test_another_form_gets_the_tools_that_it_knows() -> None:
    tools = (Tool("f", None, ""), Tool("search", None, '{"a": 1}', "web_search"))
    assert [written_tool(tool) for tool in known_tools(tools)] == [{"type": "function", "function": {"name": "f"}}]
