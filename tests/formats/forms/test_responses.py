"""Items of the Responses API come back as they came."""

from typing import Any

import pytest

from judgebench.conversations import Blob, Conversation, Media, Message, Text
from judgebench.formats.forms.responses import RESPONSES
from tests.formats.forms.agent import PICTURE, agent_keys, keys, rewritten, same
from tests.formats.forms.rows import IN_RESPONSES, ITEMS, Row

ASK = {"role": "user", "content": "Two?"}
OUTPUT = [{"type": "reasoning", "id": "r", "summary": []}, {"type": "message", "role": "assistant", "content": "2"}]


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_awkward_items_come_back_equal(item: Row) -> None:
    row = {"input": [{"role": "user", "content": "x"}, item, {"role": "assistant", "content": "y"}]}
    assert RESPONSES.recognises(row)
    assert same(rewritten(RESPONSES, row), row)


def test_the_agents_conversation_is_the_one_of_other_forms() -> None:
    assert same(rewritten(RESPONSES, IN_RESPONSES), IN_RESPONSES)
    assert keys(RESPONSES, IN_RESPONSES) == agent_keys()


@pytest.mark.parametrize("given", ["Two?", [ASK]])
@pytest.mark.parametrize("column", ["input", "items", "prompt"])
def test_input_and_output_are_two_columns(given: Any, column: str) -> None:
    row = {column: given, "output": OUTPUT, "model": "gpt", "instructions": None}
    if not (column == "prompt" and given == [ASK]):  # chat messages
        assert RESPONSES.recognises(row)
    dialogue = RESPONSES.read(row, {})
    assert (dialogue.prompt, dialogue.model) == (1, "gpt")
    assert dialogue.conversation.plain
    assert [message.text for message in dialogue.replies[0]] == ["", "2"]


def test_the_output_is_a_text_or_stands_in_a_whole_response() -> None:
    for row in (
        {"input": [ASK], "output": "2"},
        {"input": [ASK], "response": {"object": "response", "model": "gpt", "output": OUTPUT}},
    ):
        assert RESPONSES.recognises(row)
        assert RESPONSES.read(row, {}).whole.messages[-1].text == "2"


def test_a_response_alone_has_a_reply_to_nothing() -> None:
    row = {"object": "response", "id": "resp", "output": OUTPUT, "instructions": "Count."}
    assert RESPONSES.recognises(row)
    dialogue = RESPONSES.read(row, {})
    assert (dialogue.prompt, len(dialogue.replies[0])) == (1, 2)


def test_items_that_the_instructions_side_ends_are_a_prompt() -> None:
    assert RESPONSES.read({"input": [ASK, *OUTPUT, ASK]}, {}).prompt == 4
    assert RESPONSES.read({"input": [ASK, *OUTPUT]}, {}).prompt == 0


def test_instructions_come_back_apart_from_the_input() -> None:
    for instructions in ("Count.", [{"role": "developer", "content": "Count."}, {"role": "user", "content": "x"}]):
        row = {"input": [ASK], "instructions": instructions}
        assert same(rewritten(RESPONSES, row), row)


def test_a_picture_that_was_made_is_an_image() -> None:
    blobs: dict[str, Blob] = {}
    item = next(item for item in ITEMS if item.get("type") == "image_generation_call")
    ((part,),) = (message.parts for message in RESPONSES.read({"input": [ASK], "output": [item]}, blobs).replies[0])
    assert isinstance(part, Media)
    assert blobs[part.digest or ""].data == PICTURE


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "input: must be a text or a list"),
        ({"input": 3}, "input: must be a text or a list"),
        ({"input": [3]}, r"input\[0\]: must be an item"),
        ({"input": [{}]}, r"input\[0\].type: must be a text"),
        ({"input": [{"role": "user", "content": 3}]}, r"input\[0\].content: must be"),
        ({"input": [{"role": "user", "content": [{"type": 3}]}]}, r"input\[0\].content\[0\].type: must be"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": {}}]}, r"input\[0\].arguments: must be a text"),
        ({"input": [ASK], "output": [{"type": "function_call_output", "output": 3}]}, r"output\[0\].output: must be"),
        ({"input": [ASK], "instructions": 3}, "instructions: must be"),
    ],
    ids=str,
)
def test_what_is_of_another_kind_is_refused_by_the_name_of_its_field(row: Row, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        RESPONSES.read(row, {})


def test_several_replies_are_samples_and_texts_to_several_turns_one_a_turn() -> None:
    for several in (["2", "3"], [OUTPUT, [{"role": "assistant", "content": "3"}]]):
        dialogue = RESPONSES.read({"input": [ASK], "output": several}, {})
        assert [reply[-1].text for reply in dialogue.replies] == ["2", "3"]
    dialogue = RESPONSES.read({"input": [ASK, ASK], "completion": ["2", "two"]}, {})
    assert [message.role for message in dialogue.conversation.messages] == ["user", "assistant"] * 2
    with pytest.raises(ValueError, match="completion: holds 3 texts to 2 turns"):
        RESPONSES.read({"input": [ASK, ASK], "completion": ["1", "2", "3"]}, {})


def test_a_dialogue_that_goes_on_in_the_output_stands_in_its_places() -> None:
    dialogue = RESPONSES.read({"input": [ASK], "output": [*OUTPUT, ASK, *OUTPUT]}, {})
    assert (dialogue.prompt, dialogue.replies, len(dialogue.conversation.messages)) == (1, (), 6)


def test_texts_of_another_form_stay_apart() -> None:
    parts = (Text("Waves"), Text("roll"))
    row = RESPONSES.write(Conversation((Message("user", (Text("q"),)), Message("assistant", parts))), {})
    assert [part["text"] for part in row["input"][1]["content"]] == ["Waves", "roll"]
