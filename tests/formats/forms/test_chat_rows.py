"""Rows with messages in one column, and with prompts and replies in two."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.conversations import Conversation, cut
from judgebench.formats.forms import Dialogue
from judgebench.formats.forms.openai_chat import OPENAI
from judgebench.formats.forms.registry import recognise
from judgebench.records import Instruction, Output

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
ASK = {"role": "user", "content": "Two?"}
REPLY = {"role": "assistant", "content": "2"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def read(row: dict[str, Any]) -> Dialogue:
    form = recognise(row)
    assert form is not None
    return form.read(row, {})


def roles(dialogue: Dialogue) -> list[str]:
    return [message.role for message in dialogue.conversation.messages]


def reply_texts(dialogue: Dialogue) -> list[list[str]]:
    return [[message.text for message in reply] for reply in dialogue.replies]


def test_a_conversation_that_a_model_ends_is_taken_apart_by_its_roles() -> None:
    dialogue = read({"messages": [ASK, REPLY, ASK, REPLY], "model": "m"})
    assert (dialogue.prompt, dialogue.replies, dialogue.model) == (0, (), "m")


def test_a_conversation_that_the_instructions_side_ends_is_a_prompt() -> None:
    assert read({"messages": [ASK, REPLY, ASK]}).prompt == 3
    assert read({"messages": [ASK, ASK]}).prompt == 2
    assert read({"messages": [ASK, REPLY, {"role": "system", "content": "Stop."}]}).prompt == 3


@pytest.mark.parametrize("prompt", ["messages", "prompt", "conversation", "conversations"])
@pytest.mark.parametrize("column", ["response", "completion", "output", "answer"])
@pytest.mark.parametrize(
    "reply",
    ["2", REPLY, [REPLY], {"content": "2"}, {"choices": [{"index": 0, "message": REPLY}]}, ["2"], [{"text": "2"}]],
)
def test_a_reply_stands_in_a_column_of_its_own(prompt: str, column: str, reply: Any) -> None:
    dialogue = read({prompt: [ASK, REPLY, ASK], column: reply})
    assert (dialogue.prompt, reply_texts(dialogue)) == (3, [["2"]])


def test_the_reply_to_a_text_is_a_message() -> None:
    dialogue = read({"prompt": "Two?", "response": {"role": "assistant", "content": None, "tool_calls": [CALL]}})
    assert dialogue.conversation.turns == ("Two?",)
    assert len(dialogue.replies) == 1


def test_the_reply_is_a_line_of_a_batch() -> None:
    body = {"model": "gpt", "choices": [{"message": REPLY}]}
    dialogue = read({"messages": [ASK], "response": {"status_code": 200, "body": body}})
    assert reply_texts(dialogue) == [["2"]]


@pytest.mark.parametrize(
    "several",
    [
        ["2", "3"],
        [[REPLY], [{"role": "assistant", "content": "3"}]],
        {"model": "gpt", "choices": [{"message": REPLY}, {"message": {"role": "assistant", "content": "3"}}]},
        [{"text": "2", "finish_reason": "stop"}, {"text": "3"}],
    ],
)
def test_several_replies_are_samples(several: Any) -> None:
    assert reply_texts(read({"messages": [ASK], "output": several})) == [["2"], ["3"]]


def test_a_completions_own_model_is_told() -> None:
    assert read({"messages": [ASK], "response": {"model": "gpt", "choices": [{"message": REPLY}]}}).model == "gpt"


def test_texts_to_several_turns_are_one_a_turn() -> None:
    system = {"role": "system", "content": "s"}
    dialogue = read({"messages": [system, ASK, ASK], "output": ["2", "two"]})
    assert roles(dialogue) == ["system", "user", "assistant", "user", "assistant"]
    assert (dialogue.prompt, dialogue.replies) == (0, ())
    assert reply_texts(read({"messages": [ASK, ASK], "output": "both"})) == [["both"]]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"messages": [ASK, ASK], "output": ["1", "2", "3"]}, "output: holds 3 texts to 2 turns"),
        ({"messages": [ASK, REPLY, ASK], "output": ["1", "2"]}, "output: holds 2 texts to 2 turns"),
        ({"messages": [ASK], "output": []}, "output: holds no reply"),
        ({"messages": [ASK], "output": [3]}, r"output\[0\]: must be a text"),
        ({"messages": [ASK], "output": 3}, "output: must be a text"),
        ({"messages": [ASK], "output": [[ASK], [ASK]]}, "output: holds messages that no model says"),
        ({"messages": [ASK], "output": [{"role": "assistant", "content": 3}]}, r"output\[0\].content: must be"),
        ({"messages": [ASK, {"role": 3}]}, r"messages\[1\].role: must be a text"),
        ({"messages": []}, "messages"),
    ],
)
def test_what_is_neither_is_refused_by_the_name_of_its_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        OPENAI.read(row, {})


def test_a_dialogue_that_goes_on_in_the_reply_stands_in_its_places() -> None:
    dialogue = read({"prompt": [ASK, REPLY, ASK], "completion": [REPLY, ASK, REPLY]})
    instruction, trajectory = cut(dialogue.conversation, prompt=dialogue.prompt)
    assert [message.role for message in instruction.messages] == ["user", "assistant", "user", "user"]
    assert [segment.after for segment in trajectory.segments] == [3, 4]


def test_choices_of_a_question_are_no_replies() -> None:
    assert read({"messages": [ASK], "choices": ["A", "B"]}).replies == ()


def test_an_answer_beside_a_whole_conversation_is_a_reference() -> None:
    assert read({"messages": [ASK, REPLY], "answer": "2"}).replies == ()


def questions() -> list[list[str]]:
    path = SHARED / "mt_bench" / "question.jsonl.gz"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    return [json.loads(line)["turns"] for line in gzip.open(path, "rt")]


@pytest.mark.shared
def test_texts_alone_keep_the_keys_that_they_have_without_messages() -> None:
    turns = questions()
    for texts in turns:
        messages = [{"role": "user", "content": text} for text in texts]
        replied = [message for ask in messages for message in (ask, REPLY)]
        for row in (
            {"messages": messages},
            {"messages": replied},
            {"messages": messages, "output": ["2"] * len(texts)},
        ):
            dialogue = read(row)
            full, trajectory = cut(dialogue.conversation, prompt=dialogue.prompt)
            instruction = Instruction(full.turns, full=full)
            assert instruction.plain
            assert instruction.key == Instruction(tuple(texts)).key
            output = Output(instruction.key, "m", "2", ("2",) * (len(texts) - 1), trajectory)
            assert not trajectory.segments or output.plain
    assert len(turns) == 80


@pytest.mark.shared
def test_rows_of_alpaca_eval_said_as_messages_keep_their_keys() -> None:
    path = SHARED / "alpaca_eval" / "claude-2" / "model_outputs.json.gz"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    rows = json.loads(gzip.decompress(path.read_bytes()))
    for row in rows:
        messages = [{"role": "user", "content": row["instruction"]}, {"role": "assistant", "content": row["output"]}]
        full, trajectory = cut(read({"messages": messages}).conversation)
        assert full.plain
        assert trajectory.plain
        assert Instruction(full.turns, full=full).key == Instruction((row["instruction"],)).key
        assert Output("k", "m", row["output"], (), trajectory).digest == Output("k", "m", row["output"]).digest
    assert len(rows) == 805


def test_parts_of_text_alone_are_plain() -> None:
    content = [{"type": "text", "text": "Two?"}, {"type": "text", "text": "Three?"}]
    conversation: Conversation = read({"messages": [{"role": "user", "content": content}]}).conversation
    assert conversation.plain
    assert conversation.turns == ("Two?\nThree?",)
