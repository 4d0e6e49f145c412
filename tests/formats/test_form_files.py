"""Rows of forms: what is not told as lost comes back with its keys."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.conversations import Call, Conversation, Message, Part, Refusal, Text, Tool, bare, cut
from judgebench.formats.documents import with_metadata
from judgebench.formats.exchanges import ExchangeReader, instruction_of, output_of
from judgebench.formats.fields import Columns
from judgebench.formats.form_files import form_row
from judgebench.formats.forms import registry as forms
from judgebench.formats.reading import FileRow, Place

TEXTS = st.sampled_from(["a", "b\nc", " d ", "[1]", ""])
PARTS: st.SearchStrategy[Part] = TEXTS.map(Text) | st.just(Refusal("No.")) | st.just(Call("book", '{"days": 3}'))
TOOLS = st.sampled_from([(), (Tool("book", "Books days.", '{"type": "object"}'),)])


def messages(role: str, parts: st.SearchStrategy[Part], fewest: int = 1) -> st.SearchStrategy[Message]:
    return st.lists(parts, min_size=fewest, max_size=3).map(lambda held: Message(role, tuple(held)))


ASKING = messages("user", TEXTS.map(Text)).filter(lambda message: bool(message.text.strip())) | messages(
    "system", TEXTS.map(Text)
)
TALKS = st.lists(ASKING | messages("assistant", PARTS, 0) | messages("tool", TEXTS.map(Text)), max_size=6)


@pytest.mark.parametrize("name", forms.HELP)
@given(talk=TALKS, tools=TOOLS, own=st.booleans(), asked=st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_what_is_not_lost_keeps_its_keys(
    name: str, talk: list[Message], tools: tuple[Tool, ...], own: bool, asked: int
) -> None:
    question = (Message("user", (Text("q"),)), *talk)
    form = forms.named(name)
    conversation = bare(Conversation(question, tools), name if own else "")
    full, trajectory = cut(conversation, prompt=min(asked, len(question)))
    instruction = instruction_of(full)
    output = output_of(instruction, trajectory)
    row, lost = form_row(form, instruction, output, {})
    if lost:
        return
    read = with_metadata(FileRow(Place("a", "row", 1), row))
    for again in (ExchangeReader(Columns({}), form=one).read(read) for one in (form, None)):
        assert again.instruction.key == instruction.key
        assert [one.digest for one in again.outputs] == [output.digest]
