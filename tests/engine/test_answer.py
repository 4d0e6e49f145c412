"""Models are asked the conversation that an instruction is, or not at all."""

import asyncio
from collections.abc import Sequence

import pytest

from judgebench import engine, store
from judgebench.clients.scripted import ScriptedClient
from judgebench.conversations import Call, Conversation, Media, Message, Reasoning, Text, Tool
from judgebench.engine.answer import Answerer
from judgebench.records import Answer, ChatPrompt, Completion, Instruction, Prompt, Status
from judgebench.spec import make_generation
from judgebench.store.database import Database
from tests.judging.agents import said


def _instruction(*messages: Message, tools: tuple[Tool, ...] = ()) -> Instruction:
    full = Conversation(messages, tools)
    return Instruction(full.turns or ("",), full=full)


def _ask(
    instruction: Instruction, *, system: str | None = None, reasoning: str | None = None
) -> tuple[Answer, list[list[tuple[str, str]]]]:
    """What came of it, and the chats that were asked; replies are "r1", "r2" and so on."""
    chats: list[list[tuple[str, str]]] = []

    def script(prompt: Prompt) -> Completion:
        assert isinstance(prompt, ChatPrompt)
        chats.append([(message.role, message.content) for message in prompt.messages])
        return Completion(f"r{len(chats)}", reasoning=reasoning, finish_reason="stop")

    answerer = Answerer("m", system, {}, ScriptedClient(script))
    return asyncio.run(answerer.ask(instruction)), chats


def _user(text: str) -> Message:
    return said(text, role="user")


SYSTEM = said("Be brief.", role="developer")


def test_a_system_message_of_the_instruction_stands_instead_of_the_general_one() -> None:
    answer, chats = _ask(_instruction(SYSTEM, _user("One?"), _user("Two?")), system="Be long.")
    assert chats == [
        [("system", "Be brief."), ("user", "One?")],
        [("system", "Be brief."), ("user", "One?"), ("assistant", "r1"), ("user", "Two?")],
    ]
    assert answer.output is not None
    assert (answer.output.earlier, answer.output.text, answer.output.trajectory) == (("r1",), "r2", None)
    _, chats = _ask(_instruction(_user("One?"), said("Hm.", role="assistant"), _user("Two?")), system="Be long.")
    assert chats == [[("system", "Be long."), ("user", "One?"), ("assistant", "Hm."), ("user", "Two?")]]


def test_given_replies_are_not_asked_for_again() -> None:
    answer, chats = _ask(_instruction(_user("One?"), said("Given."), _user("Two?"), _user("Three?")))
    assert [len(chat) for chat in chats] == [3, 5]
    assert answer.output is not None
    assert (answer.output.earlier, answer.output.text) == (("r1",), "r2")


def test_what_is_asked_at_the_end_is_asked_whoever_asks() -> None:
    answer, chats = _ask(_instruction(_user("One?"), said("In verse.", role="system")))
    assert chats == [[("user", "One?"), ("system", "In verse.")]]
    assert answer.output is not None
    assert answer.output.trajectory is not None
    [segment] = answer.output.trajectory.segments
    assert (segment.after, segment.messages[0].text) == (2, "r1")


def test_what_a_server_tells_of_thoughts_is_kept_apart_from_the_text() -> None:
    instruction = Instruction(("One?", "Two?"))
    answer, chats = _ask(instruction, reasoning="Hm.")
    assert ("assistant", "r1") in chats[1]
    output = answer.output
    assert output is not None
    assert output.trajectory is not None
    assert (output.text, output.whole) == ("r2", "r1\n\nr2")
    assert [message.parts for message in output.trajectory.messages] == [
        (Reasoning("Hm."), Text("r1")), (Reasoning("Hm."), Text("r2"))
    ]  # fmt: skip
    plain, _ = _ask(instruction)
    assert plain.output is not None
    assert plain.output.trajectory is None


@pytest.mark.parametrize(
    ("messages", "tools", "why"),
    [
        ((_user("Hi"),), (Tool("find", None, ""),), "more than texts (tools)"),
        ((said("Look", Media("image", "a" * 64), role="user"),), (), "more than texts (image)"),
        ((_user("Hi"), said(Call("find", "{}"))), (), "more than texts (tools)"),
        ((_user("Hi"), Message("critic", (Text("x"),))), (), "more than texts (role critic)"),
        ((_user("Hi"), said("Hello.")), (), "ends with a reply that was given"),
    ],
)
def test_what_a_chat_of_texts_cannot_ask_is_not_asked(
    messages: Sequence[Message], tools: tuple[Tool, ...], why: str
) -> None:
    answer, chats = _ask(_instruction(*messages, tools=tools))
    assert (chats, answer.output, answer.status, answer.asked) == ([], None, Status.FAILED, False)
    assert why in (answer.detail or "")


def test_instructions_that_cannot_be_asked_are_counted_and_end_nothing(database: Database) -> None:
    tools = (Tool("find", None, ""),)
    instructions = [_instruction(_user(f"Find {number}."), tools=tools) for number in range(40)]
    instructions.append(_instruction(SYSTEM, _user("Hi")))
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, instructions)
    fields = {"benchmark": "bench", "generator": {"model": "scripted:echo"}, "model": "echo"}
    generation = make_generation(fields, where="test")
    estimate = engine.answer.estimate_answers(database, generation)
    assert (estimate.planned, estimate.calls, estimate.not_asked) == (41, 1, {"it has more than texts (tools)": 40})
    report = engine.answer.answer(database, generation, environment={})
    assert report.tally.ended == {Status.FAILED: 40, Status.OK: 1}
    assert report.not_asked == {"it has more than texts (tools)": 40}
