"""What a form cannot hold is told, what it must have is filled in."""

from judgebench.conversations import Call, Conversation, Media, Message, Opaque, Part, Refusal, Text, Tool
from judgebench.formats.forms.translating import Reach, linked


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


def test_losses_are_counted_by_kind() -> None:
    told = Reach("mine", holds).losses(SOURCE)
    assert told == {"audio": 1, "name": 1, "refusal": 1, "odd": 1, "inserted": 1, "role": 1, "tool": 1}


def test_a_conversation_of_the_form_itself_loses_nothing() -> None:
    reach = Reach("other", holds)
    assert reach.losses(SOURCE) == {}
    assert reach.translated(SOURCE) is SOURCE


def test_the_rest_is_carried_without_what_only_its_source_knows() -> None:
    other = Reach("mine", holds).translated(SOURCE)
    assert other.form == "mine"
    assert [message.parts for message in other.messages[:2]] == [(Text("Hi."),), (Text("No."),)]
    assert (other.messages[0].name, other.messages[0].raw) == (None, None)
    assert [tool.name for tool in other.tools] == ["f"]


def test_results_get_the_id_and_the_name_of_their_call() -> None:
    calls = Message("assistant", (Call("f", "{}"), Call("g", "{}", "own")))
    results = (Message("tool", (), name="f"), Message("tool", (), call="own"), Message("tool", (), call="lost"))
    messages = list(linked((calls, *results)))
    assert [(message.call, message.name) for message in messages[1:]] == [("call_1", "f"), ("own", "g"), ("lost", None)]
