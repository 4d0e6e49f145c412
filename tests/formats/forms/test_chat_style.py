"""Messages of any form as a chat API takes them."""

from judgebench.conversations import Call, Media, Message, Opaque, Part, Reasoning, Refusal, Text, identity
from judgebench.formats.forms.chat_style import CHAT, REASONING_CHAT, in_order, styled, with_ids

HELD = Media("image", "0" * 64, "image/png")


def kinds(messages: list[Message]) -> list[tuple[str, list[str]]]:
    return [(message.role, [type(part).__name__ for part in message.parts]) for message in messages]


def assistant(*parts: Part) -> Message:
    return Message("assistant", parts)


def test_what_a_model_says_at_a_time_is_one_message() -> None:
    items = [assistant(Reasoning("r")), assistant(Text("t")), assistant(Call("f", "{}")), assistant(Call("g", "{}"))]
    (message,) = styled(items, REASONING_CHAT)
    assert [type(part) for part in message.parts] == [Reasoning, Text, Call, Call]
    assert identity([message], normalised=False) == identity(items, normalised=False)


def test_what_stands_in_no_chat_message_in_this_order_stands_in_several() -> None:
    mixed = [assistant(Text("a"), Call("f", "{}"), Text("b"), Reasoning("r"), Reasoning("s"))]
    assert kinds(styled(mixed, REASONING_CHAT)) == [
        ("assistant", ["Text", "Call"]),
        ("assistant", ["Text"]),
        ("assistant", ["Reasoning"]),
        ("assistant", ["Reasoning"]),
    ]
    for again in (styled(mixed, REASONING_CHAT), list(in_order(mixed))):
        assert identity(again, normalised=False) == identity(mixed, normalised=False)


def test_texts_of_two_messages_and_speakers_of_two_names_stay_apart() -> None:
    messages = [assistant(Text("a")), assistant(Text("b")), Message("assistant", (Call("f", "{}"),), name="Bob")]
    assert len(styled(messages, CHAT)) == 3


def test_who_says_nothing_says_the_empty_text() -> None:
    messages = [Message("user", (Opaque("odd", "{}"),)), assistant(Reasoning("r"))]
    assert kinds(styled(messages, CHAT)) == [("user", ["Text"]), ("assistant", ["Text"])]


def test_a_message_holds_what_the_style_knows() -> None:
    spoken = Media("audio", "0" * 64, "audio/flac")
    parts = (HELD, spoken, Media("video", url="v"), Media("document", url="d"), Media("image", url="i"), Refusal("no"))
    (user,) = styled([Message("user", parts)], CHAT)
    assert user.parts == (HELD, Media("image", url="i"), Text("no"))
    (user,) = styled([Message("user", parts)], REASONING_CHAT)
    assert user.parts == (HELD, spoken, Media("video", url="v"), Media("image", url="i"), Text("no"))
    assert kinds(styled([Message("tool", (HELD, Text("x")), call="c")], CHAT)) == [("tool", ["Text"])]
    assert kinds(styled([assistant(Reasoning("", redacted=True), Text("x"))], REASONING_CHAT)) == [
        ("assistant", ["Text"])
    ]


def test_an_error_without_a_text_is_told_in_one() -> None:
    (result,) = styled([Message("tool", (), call="c", error="timeout")], CHAT)
    assert (result.parts, result.error) == ((Text("timeout"),), None)


def test_calls_without_ids_get_some_that_no_other_has() -> None:
    calls = [assistant(Call("f", "{}"), Call("g", "{}", "call_1")), Message("tool", (), name="f"), Message("tool", ())]
    first, second, third = with_ids([*calls])
    assert [part.id for part in first.parts if isinstance(part, Call)] == ["call_1_", "call_1"]
    assert (second.call, third.call) == ("call_1_", "call_1")
    (lost,) = with_ids([Message("tool", ())])
    assert lost.call == "call_0"
