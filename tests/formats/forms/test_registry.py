"""Each row goes to the form that it is of."""

from typing import Any

import pytest

from judgebench.errors import UnknownName
from judgebench.formats.forms.registry import HELP, all_forms, named, recognise
from tests.formats.forms.rows import IN_OPENAI_CHAT, IN_PROMPTFOO, IN_RESPONSES, IN_SHAREGPT

ROWS: dict[str, list[dict[str, Any]]] = {
    "responses": [
        IN_RESPONSES,
        {"input": "hi", "output": [{"type": "message", "role": "assistant", "content": "yo"}]},
        {"object": "response", "output": [{"type": "reasoning", "summary": []}]},
    ],
    "sharegpt": [IN_SHAREGPT, {"messages": [{"from": "human", "value": "hi"}]}],
    "promptfoo": [IN_PROMPTFOO, {"prompt": {"raw": "hi"}, "response": {"output": "yo"}}],
    "openai-chat": [
        {"messages": [{"role": "user", "content": "hi"}]},
        {"prompt": [{"role": "user", "content": "hi"}], "completion": "yo"},
        {"prompt": "hi", "response": {"role": "assistant", "content": "yo"}},
        {"prompt": [{"role": "user", "content": "hi"}], "output": [{"role": "assistant", "content": "yo"}]},
        {"conversations": [{"role": "user", "content": "hi"}]},
        IN_OPENAI_CHAT,
    ],
    "vllm": [
        {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "reasoning": "hm", "content": "o"}]}
    ],
}
PLAIN: list[dict[str, Any]] = [
    {"instruction": "a", "output": "b"},
    {"prompt": ["a", "b"], "output": ["c", "d"]},
    {"prompt": "a", "completion": ["b", "c"]},
    {"messages": None, "output": [1]},
    {"instruction": "a", "input": "b", "output": "c"},
    {"input": ["a"], "output": ["b"]},
    {"prompt": {"text": "a"}, "response": "b"},
    {"conversations": ["a"]},
    {},
]


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, rows in ROWS.items() for row in rows])
def test_a_row_is_of_one_form(name: str, row: dict[str, Any]) -> None:
    form = recognise(row)
    assert form is not None
    assert form.name == name


@pytest.mark.parametrize("row", PLAIN)
def test_rows_of_texts_are_of_none(row: dict[str, Any]) -> None:
    assert recognise(row) is None


def test_forms_have_names_of_their_own() -> None:
    assert [form.name for form in all_forms()] == list(HELP)
    assert all(named(form.name) is form for form in all_forms())
    with pytest.raises(UnknownName):
        named("telegram")
