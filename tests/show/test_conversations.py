"""Conversations as people read them: everything in its place, and nothing of it is markup."""

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from judgebench import images
from judgebench.conversations import Conversation, Media, Message, Opaque, Segment, Text, Trajectory, cut
from judgebench.records import Instruction, Output
from judgebench.show.conversations import (
    MESSAGE_COLUMNS,
    heading,
    instruction_text,
    markup,
    message_rows,
    output_text,
    passages,
    title,
    transcript,
)
from tests import mixed
from tests.pictures import png

HOSTILE = "<script>alert(1)</script> ![see](http://attacker.invalid/i.png) \x1b[31m \u202eevil"


def test_replies_stand_where_they_were_given_and_beside_each_other() -> None:
    held = passages(mixed.AGENT, (mixed.agent_output("alpha", 3), mixed.agent_output("beta", 4)))
    assert [[message.role for message in passage.asked] for passage in held] == [["tools", "system", "user"], ["user"]]
    assert [[len(messages) for messages in passage.replies] for passage in held] == [[3, 3], [1, 1]]
    first, result, _ = held[0].replies[0]
    assert [(part.kind, part.judged) for part in first.parts] == [("reasoning", False), ("text", True), ("call", True)]
    assert (first.parts[2].name, first.parts[2].text, first.parts[2].number) == ("book_leave", '{"days": 3}', 1)
    assert (result.answers, result.error, heading(result)) == (1, "500", "result of call 1 (book_leave), an error: 500")


def test_plain_texts_need_no_headings() -> None:
    output = Output(mixed.TURNS.key, "alpha", "two", ("one",))
    held = passages(mixed.TURNS, (output,))
    assert [transcript(passage.asked) for passage in held] == list(mixed.TURNS.turns)
    assert [transcript(passage.replies[0]) for passage in held] == ["one", "two"]
    assert instruction_text(mixed.TURNS) == mixed.TURNS.text
    assert output_text(mixed.TURNS, output) == "one\n\ntwo"


def test_an_output_to_the_last_turn_alone_stands_there_beside_a_whole_one() -> None:
    outputs = Output(mixed.TURNS.key, "a", "last"), Output(mixed.TURNS.key, "b", "last", ("first",))
    assert [[len(messages) for messages in passage.replies] for passage in passages(mixed.TURNS, outputs)] == [
        [0, 1],
        [1, 1],
    ]


def test_more_replies_than_turns_are_shown_after_everything() -> None:
    [passage] = passages(mixed.PLAIN, (Output(mixed.PLAIN.key, "a", "three", ("one", "two")),))
    assert [message.parts[0].text for message in passage.replies[0]] == ["one", "two", "three"]


def test_nothing_is_left_out() -> None:
    parts = (Opaque("web_search", '{"query": "cats"}'),)
    full = Conversation((*mixed.AGENT.conversation.messages, Message("critic", parts)), (mixed.TOOL,))
    instruction = Instruction(full.turns, full=full)
    output = mixed.agent_output("alpha")
    rows = list(message_rows(instruction, (output,)))
    assert {tuple(row) for row in rows} == {MESSAGE_COLUMNS}
    assert {row["kind"] for row in rows} == {"tool", "text", "reasoning", "call", "other"}
    assert [row["role"] for row in rows if row["model"] is None] == ["tools", "system", "user", "user", "critic"]
    text = "\n".join((instruction_text(instruction), output_text(instruction, output)))
    for words in ("cats", "Books days off.", "secret thought", "error 500", '{"days": 3}', "Never ask back."):
        assert words in text
    assert "secret thought" not in output_text(instruction, output, reasoning=False)
    assert "[reasoning, not shown to the judge: 14 characters]" in output_text(instruction, output, reasoning=False)


def test_messages_of_a_model_that_were_asked_are_marked_as_given() -> None:
    given = (Message("user", (Text("Two?"),)), Message("assistant", (Text("2"),)), Message("user", (Text("Three?"),)))
    full, _ = cut(Conversation(given), prompt=3)
    [passage] = passages(Instruction(full.turns, full=full), ())
    assert [heading(message) for message in passage.asked] == ["user", "assistant, given", "user"]


def test_a_file_is_named_with_what_is_known_of_it() -> None:
    output = mixed.picture("alpha", b"one")
    digest = output.placed(mixed.PICTURE).messages[0].parts[0].digest
    [passage] = passages(mixed.PICTURE, (output,), {digest: 1234})
    [part] = passage.replies[0][0].parts
    assert title(part) == "image, shown to judges whose template shows images"
    assert part.text == f"cat.png, image/png, 1,234 bytes, SHA-256 {digest[:12]}"
    assert (part.digest, part.judged) == (digest, True)
    [unnamed] = passages(mixed.PICTURE, (output,), {digest: 1234}, blind=True)[0].replies[0][0].parts
    assert "cat.png" not in unnamed.text


def test_images_stand_in_markup_as_data_and_those_left_out_are_named() -> None:
    output = mixed.picture("alpha", png())
    digest = output.placed(mixed.PICTURE).messages[0].parts[0].digest
    [passage] = passages(mixed.PICTURE, (output,), {})
    copy = replace(images.copied(png()), frames=3)
    shown = markup(passage.replies[0], images={digest: copy})
    assert f'<img src="{copy.url}"' in shown
    assert "the first of its 3 frames" in shown
    assert "left out of this page" in markup(passage.replies[0])
    part = replace(passage.replies[0][0].parts[0], text='"><script>alert(1)</script>')
    hostile = markup([replace(passage.replies[0][0], parts=(part,))], images={digest: copy})
    assert "<script" not in hostile
    assert hostile.count('"') == shown.count('"')
    address = Message("assistant", (Media("image", url="https://example.org/x.png"),))
    asked = Instruction(("Draw.",))
    drawn = Output(asked.key, "a", "", trajectory=cut(Conversation((*asked.conversation.messages, address)))[1])
    [part] = passages(asked, (drawn,))[-1].replies[0][0].parts
    assert title(part) == "image, not shown to the judge"
    assert "<img" not in markup(passages(asked, (drawn,))[-1].replies[0])


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style"}
        self.seen.add(tag)


@pytest.mark.parametrize("where", ["text", "tool", "arguments", "result", "role", "name", "error", "kind"])
def test_nothing_that_others_wrote_is_markup(where: str) -> None:
    texts = dict.fromkeys(("text", "tool", "arguments", "result", "role", "name", "error", "kind"), "x")
    messages = mixed.hostile_messages(**texts | {where: HOSTILE})
    output = Output(mixed.PLAIN.key, "a", "", trajectory=Trajectory((Segment(1, messages),)))
    [passage] = passages(mixed.PLAIN, (output,))
    html = markup(passage.replies[0])
    allowed = {"div", "section", "small", "strong", "details", "summary", "pre", "code"}
    assert _Tags(html).seen <= allowed
    assert "\u202e" not in html
    assert not any("\n" in heading(message) or "\x1b" in heading(message) for message in passage.replies[0])


def test_no_more_is_written_than_there_is_room_for() -> None:
    [passage] = passages(mixed.PLAIN, (Output(mixed.PLAIN.key, "a", "~" * 500),))
    assert markup(passage.replies[0], most=100).count("~") == 100
