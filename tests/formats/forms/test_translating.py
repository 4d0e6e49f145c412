"""What a form does not hold is left out or comes near it, what it must have is filled in."""

import json

import pytest

from judgebench.conversations import Call, Conversation, Media, Message, Opaque, Part, Reasoning, Refusal, Text, Tool
from judgebench.formats.forms import Form
from judgebench.formats.forms.anthropic import ANTHROPIC
from judgebench.formats.forms.gemini import GEMINI
from judgebench.formats.forms.inspect import INSPECT
from judgebench.formats.forms.translating import linked, translated, value_of


def holds(message: Message, part: Part) -> bool:
    return message.role != "narrator" and isinstance(part, Text | Call)


SOURCE = Conversation(
    (
        Message("user", (Text("Hi.", '{"x": 1}'), Media("audio", url="u")), name="Ann", raw="{}"),
        Message("assistant", (Refusal("No."), Opaque("odd", "{}"))),
        Message("user", (Text("Go on."),), inserted=True),
        Message("narrator", ()),
    ),
    (Tool("f", None, "{}"), Tool("g", None, "", "custom")),
    "other",
)


def test_a_conversation_of_the_form_itself_is_left_as_it_is() -> None:
    assert translated(SOURCE, "other", holds) is SOURCE


def test_the_rest_is_carried_without_what_only_its_source_knows() -> None:
    other = translated(SOURCE, "mine", holds)
    assert other.form == "mine"
    assert [message.parts for message in other.messages[:2]] == [(Text("Hi."),), (Text("No."),)]
    assert (other.messages[0].name, other.messages[0].raw) == (None, None)
    assert [tool.name for tool in other.tools] == ["f"]


def test_results_get_the_id_and_the_name_of_their_call() -> None:
    calls = Message("assistant", (Call("f", "{}"), Call("g", "{}", "own")))
    results = (Message("tool", (), name="f"), Message("tool", (), call="own"), Message("tool", (), call="lost"))
    messages = list(linked((calls, *results)))
    assert [(message.call, message.name) for message in messages[1:]] == [("call_1", "f"), ("own", "g"), ("lost", None)]


def test_arguments_that_are_no_json_are_kept_as_a_text_within_an_object() -> None:
    assert value_of('{"a": 1}') == {"a": 1}
    assert value_of('{"a":') == {"arguments": '{"a":'}


ODD: tuple[Part, ...] = (
    Refusal("No."),
    Reasoning("hm"),
    Reasoning("", redacted=True),
    Media("audio", url="u"),
    Media("image", name="file"),
    Media("document"),
    Opaque("odd", '{"type": "odd"}'),
    Call("f", "no JSON", kind="custom"),
    Call("f", "[1]"),
)


@pytest.mark.parametrize("form", [ANTHROPIC, GEMINI, INSPECT], ids=lambda form: form.name)
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("role", ["system", "user", "assistant", "tool", "narrator"])
def test_whatever_another_form_holds_is_written(form: Form, own: bool, role: str) -> None:
    """Also where only the model's side is of the form: what was asked then passes for it."""
    messages = (Message("user", (Text("Hi."),)), *(Message(role, (part,), name="n") for part in ODD))
    row = form.write(Conversation(messages, form=form.name if own else "other"), {})
    assert form.recognises(row)
    json.dumps(row)
    if not own:
        assert form.read(row, {}).conversation.messages


@pytest.mark.parametrize("form", [ANTHROPIC, GEMINI, INSPECT], ids=lambda form: form.name)
def test_a_system_message_alone_is_written_and_read(form: Form) -> None:
    row = form.write(Conversation((Message("system", (Text("Be brief."),)),)), {})
    assert [message.role for message in form.read(row, {}).conversation.messages] == ["system"]
