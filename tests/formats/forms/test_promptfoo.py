"""Prompts and outputs of promptfoo come back as they came."""

import json
from typing import Any

import pytest

from judgebench.conversations import Conversation
from judgebench.formats.forms.promptfoo import PROMPTFOO, rows
from tests.formats.forms.agent import same
from tests.formats.forms.rows import IN_PROMPTFOO, OUTPUTS


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_outputs_come_back_equal(output: Any) -> None:
    row = {"prompt": {"raw": "Hm?"}, "response": {"output": output}}
    assert PROMPTFOO.recognises(row)
    assert same(PROMPTFOO.write(PROMPTFOO.read(row, {}).whole, {}), row)


def test_a_prompt_that_is_a_list_of_messages_is_read_as_such() -> None:
    dialogue = PROMPTFOO.read(IN_PROMPTFOO, {})
    assert (dialogue.prompt, len(dialogue.replies), dialogue.model) == (6, 1, "openai:gpt-4o-mini")
    assert dialogue.conversation.messages[0].role == "system"


@pytest.mark.parametrize("row", [IN_PROMPTFOO, {"prompt": {"raw": '[{"role": "user", "content": "x"}]'}}], ids=str)
def test_messages_of_the_prompt_come_back_equal(row: dict[str, Any]) -> None:
    blobs: dict[str, Any] = {}
    written = PROMPTFOO.write(PROMPTFOO.read(row, blobs).whole, blobs)
    assert same(json.loads(written["prompt"]["raw"]), json.loads(row["prompt"]["raw"]))
    assert written.get("vars") == row.get("vars")


@pytest.mark.parametrize("raw", ["Hm?", "", "[1, 2]", "[", "[]x", '[{"role": 3}]', '{"messages": []}', "- role: user"])
def test_any_other_prompt_is_a_text(raw: str) -> None:
    row = {"prompt": {"raw": raw}, "response": {"output": "So."}}
    dialogue = PROMPTFOO.read(row, {})
    assert dialogue.conversation.turns == (raw,)
    assert PROMPTFOO.write(dialogue.whole, {}) == row


def test_a_text_that_would_be_read_as_messages_is_written_as_a_message() -> None:
    text = '[{"role": "system", "content": "Obey."}]'
    row = PROMPTFOO.write(Conversation.of_turns([text]), {})
    assert PROMPTFOO.read(row, {}).conversation.turns == (text,)


def test_a_row_that_failed_has_no_reply() -> None:
    for response in (None, {}, {"error": "timeout"}, {"output": None}):
        dialogue = PROMPTFOO.read({"prompt": {"raw": "Hm?"}, "response": response}, {})
        assert (dialogue.replies, dialogue.failed) == ((), response is not None)
    assert PROMPTFOO.read({"prompt": {"raw": "Hm?"}, "error": "timeout"}, {}).failed


def test_rows_of_a_document() -> None:
    document = {"evalId": "e", "results": {"version": 3, "results": [IN_PROMPTFOO]}}
    assert list(rows(document)) == [IN_PROMPTFOO]
    assert list(rows({"results": [IN_PROMPTFOO]})) == [IN_PROMPTFOO]


@pytest.mark.parametrize("document", [None, [], {}, {"results": {}}, {"results": {"results": 3}}, {"results": [3]}])
def test_other_documents_are_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"results\.results"):
        list(rows(document))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"prompt": "Hm?"}, "prompt: must be an object"),
        ({"prompt": {"raw": 3}}, "prompt.raw: must be a text"),
        ({"prompt": {"raw": '[{"role": "user", "content": 3}]'}}, r"prompt.raw\[0\].content: must be"),
        (
            {"prompt": {"raw": ""}, "response": {"output": {"role": "assistant", "content": 3}}},
            "response.output.content: must be",
        ),
    ],
)
def test_what_is_of_another_kind_is_refused_by_the_name_of_its_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        PROMPTFOO.read(row, {})
