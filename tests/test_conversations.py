"""Conversations are taken apart and put together again, and equal sayings have equal identities."""

from dataclasses import replace

import pytest

from judgebench import conversations
from judgebench.conversations import (
    Call,
    Calls,
    Conversation,
    Message,
    Reasoning,
    Segment,
    Text,
    Tool,
    Trajectory,
    anchored,
    cut,
    decoded_conversation,
    encoded_conversation,
    identity,
    join,
    placed,
    plain_trajectory,
)
from judgebench.records import Output
from tests.growth import grows_in_proportion


def message(role: str, *texts: str, **fields: str | bool) -> Message:
    return Message(role, tuple(Text(text) for text in texts), **fields)  # type: ignore[arg-type]  # fields of several types by name


SCAFFOLDED = Conversation(
    (
        message("system", "Be brief."),
        message("user", "Fix the test."),
        message("assistant", "On it."),
        message("user", "Continue.", inserted=True),
        message("assistant", "Done."),
    )
)


def test_what_a_scaffold_said_belongs_to_the_output_and_not_to_the_instruction() -> None:
    instruction, trajectory = cut(SCAFFOLDED)
    assert instruction.turns == ("Fix the test.",)
    assert [(segment.after, len(segment.messages)) for segment in trajectory.segments] == [(2, 3)]
    assert trajectory.texts == ("On it.\nDone.",)
    assert not trajectory.plain
    assert join(instruction, trajectory) == SCAFFOLDED


def test_an_inserted_message_is_stored_as_such() -> None:
    assert decoded_conversation(encoded_conversation(SCAFFOLDED)) == SCAFFOLDED


def test_a_conversation_of_two_forms_keeps_nothing_that_only_the_first_can_read() -> None:
    asked = Conversation((message("user", "Hi.", extra='{"id": 1}', raw='{"x": 1}'),), (Tool("f", None, ""),), "one")
    answered = Conversation((message("user", "Hi."), message("assistant", "Hello.")), (), "other")
    both = join(asked, cut(answered)[1])
    assert both.form == "other"
    assert [(each.extra, each.raw) for each in both.messages] == [("", None), ("", None)]
    assert join(asked, cut(replaced(answered))[1]).messages[0].raw == '{"x": 1}'


def replaced(conversation: Conversation) -> Conversation:
    return Conversation(conversation.messages, conversation.tools, "one")


def result(text: str, error: str | None) -> list[object]:
    call = Message("assistant", (Call("f", "{}", "1"),))
    return identity([call, Message("tool", (Text(text),) if text else (), call="1", error=error)], normalised=False)


def test_why_a_call_failed_counts_wherever_it_stands() -> None:
    assert result("", "boom") == result("boom", "") == result("boom", "boom")
    assert result("", "boom") != result("", "bang")
    assert result("boom", None) != result("boom", "")


def test_results_without_ids_answer_calls_by_order_and_name() -> None:
    calls = Calls()
    assert [calls.number(Call(name, "{}")) for name in ("f", "g", "f")] == [1, 2, 3]
    assert calls.answered(Message("tool", (), name="g")) == 2
    assert calls.answered(Message("tool", ())) == 1
    assert calls.answered(Message("tool", (), name="f")) == 3
    assert calls.answered(Message("tool", (), name="f")) is None


@pytest.mark.slow
def test_long_conversations_take_time_in_proportion() -> None:
    def read(size: int) -> None:
        parts = tuple(Text("word " * 20) for _ in range(size))
        calls = [Message("assistant", (Call("f", "{}"),)) for _ in range(size)]
        results = [Message("tool", (), name="f") for _ in range(size)]
        conversation = Conversation((Message("user", parts), Message("assistant", parts), *calls, *results))
        instruction, trajectory = cut(conversation)
        assert len(identity(join(instruction, trajectory).messages, normalised=True)) > size

    assert grows_in_proportion(read, 16_000)


@pytest.mark.slow
def test_places_are_counted_once_whatever_the_number_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counting(message: Message) -> bool:
        nonlocal looks
        looks += 1
        return message.inserted or message.role in ("assistant", "tool")

    monkeypatch.setattr(conversations, "_is_done", counting)
    turns = tuple(message(role, "x") for _ in range(20_000) for role in ("user", "assistant"))
    instruction, trajectory = cut(Conversation(turns))
    assert len(trajectory.segments) == 20_000
    assert join(instruction, anchored(trajectory, instruction.messages)).messages == turns
    assert plain_trajectory(instruction, ["x"] * 20_000) == trajectory
    assert looks < 10 * len(turns)


def test_places_that_cut_never_makes_are_refused() -> None:
    instruction, trajectory = cut(SCAFFOLDED)
    assert placed(replace(trajectory, plain=not trajectory.plain), instruction.messages) == trajectory
    (first, *_), reply = trajectory.segments, (message("assistant", "x"),)
    for segments in (
        [Segment(-1, reply)],
        [Segment(99, reply)],
        [Segment(10**30, reply)],
        [Segment(2, reply), Segment(1, reply)],
        [Segment(1, reply), Segment(1, reply)],
        [replace(first, given=9)],
        [Segment(1, (message("user", "x"),))],
    ):
        with pytest.raises(ValueError, match=r"places|given|asked"):
            placed(Trajectory(tuple(segments)), instruction.messages)


def test_signatures_do_not_count_and_thoughts_do() -> None:
    thoughts = [Message("assistant", (Reasoning(text, signature),)) for text, signature in ("ax", "ay", "bx")]
    keys = [identity([thought], normalised=False) for thought in thoughts]
    assert keys[0] == keys[1] != keys[2]


def test_a_result_that_answers_a_call_of_an_earlier_turn_is_told_from_one_that_answers_another() -> None:
    def digest(answered: str) -> str:
        conversation = Conversation(
            (
                Message("user", (Text("Look up both."),)),
                Message("assistant", (Call("look", "{}", "1"), Call("look", "{}", "2"))),
                Message("user", (Text("And?"),)),
                Message("tool", (Text("found"),), call=answered),
            )
        )
        _, trajectory = cut(conversation)
        return Output("key", "model", "", trajectory=trajectory).digest

    assert digest("1") != digest("2")
