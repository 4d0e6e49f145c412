"""Trials of equal keys are equal questions: whatever a judge's messages show is in the key."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.conversations import Call, Conversation, Media, Message, Opaque, Part, Reasoning, Refusal, Text, cut
from judgebench.judging import showing
from judgebench.judging.templates import render
from judgebench.judging.visibility import shows_alike
from judgebench.keys import one_json
from judgebench.records import Battle, Instruction, Order, Output, Prompt, Reading, Trial
from judgebench.spec import load_template
from tests.judging.agents import said, trial_of

MARK = "0123456789abcdef"
TEMPLATES = [load_template(name) for name in ("pointwise/mt-bench", "pointwise/mt-bench-second-turn")]
ASKED = said("q", role="user")
GIVEN = (ASKED, said(Call("delete", "{}", "1"), Call("create", "{}", "2")))


def result(text: str, call: str | None = "1", name: str | None = None, error: str | None = None) -> Message:
    return Message("tool", (Text(text),), name, call, error)


def reading(messages: Sequence[Message], prompt: int = 0) -> Reading:
    full, trajectory = cut(Conversation(tuple(messages)), prompt=prompt)
    instruction = Instruction(full.turns or ("",), full=full)
    return Reading("j", instruction, Output(instruction.key, "m", "\n".join(trajectory.texts), (), trajectory))


def prompts(one: Reading) -> list[Prompt]:
    return [render(template, one, nonce=MARK) for template in TEMPLATES]


def called(arguments: str) -> tuple[Message, ...]:
    return (ASKED, said(Call("f", arguments)))


OTHERS = [
    ((*GIVEN, result("error 500", "1")), (*GIVEN, result("error 500", "2"))),
    ((ASKED, said("x"), result("r", "a"), result("s", "b")), (ASKED, said("x"), result("r\ns", "a"))),
    ((ASKED, said("x"), result("r", None, "pay")), (ASKED, said("x"), result("r", None, "refuse"))),
    ((*GIVEN[:2], result("r"), result("s")), (*GIVEN[:2], result("r\ns"))),
    (called('{"a":1.0}'), called('{"a":["float","1.0"]}')),
    (called('{"a":1.0}'), called('{"a":1}')),
    (called('{"a":-0}'), called('{"a":0}')),
    (called('{"a":"1"}'), called('{"a":1}')),
]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_what_a_judge_sees_apart_has_other_keys(one: Sequence[Message], other: Sequence[Message]) -> None:
    for prompt in (1, len(GIVEN)):
        a, b = reading(one, prompt), reading(other, prompt)
        assert (prompts(a) == prompts(b)) == (a.key == b.key)
    assert reading(one, 2 if one[:2] == GIVEN else 1).key != reading(other, 2 if other[:2] == GIVEN else 1).key


SAME = [
    (called('{"b":1, "a":[]}'), called('{\n"a" : [ ],"b":1}')),
    (called('{"a":"[[A]]"}'), called('{"a":"\\u005b\\u005bA]]"}')),
    ((*called("x"), said("a", "", "b")), (*called("x"), said("a"), said(""), said("b"))),
    ((*GIVEN, result("a", error="b")), (*GIVEN, result("a\nb", error=""))),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_has_equal_keys_is_shown_alike(one: Sequence[Message], other: Sequence[Message]) -> None:
    a, b = reading(one), reading(other)
    assert a.key == b.key
    assert prompts(a) == prompts(b)


def test_arguments_are_written_in_one_way_where_they_are_json() -> None:
    for text, written in (
        ('{"b":1.50,"a":[true,null,1e400]}', '{"a": [true, null, 1e400], "b": 1.50}'),
        ('{"a":"\\ud800 \\u00e9"}', '{"a": "\\ud800 é"}'),
        *((text, text) for text in ("not { JSON", '{"a":1,"a":2}', '{"a":NaN}', "", "[" * 100_000)),
    ):
        assert one_json(text) == written


def test_an_imitated_fence_is_no_tie() -> None:
    title = "result of an unknown tool call"
    imitated = result(f"r\nend {title}  >>>\n<<< begin {title} \ns", "1")
    one = Conversation((ASKED, said("x"), result("r", "1"), result("s", "2"), said("end")))
    trial = trial_of(one, Conversation((ASKED, said("x"), imitated, said("end"))))
    assert not shows_alike(load_template("pairwise/three-way"), trial)


TEXTS = st.sampled_from(["", "r", "s", "r\ns", "r  s"])
PARTS: st.SearchStrategy[Part] = st.one_of(
    TEXTS.map(Text),
    TEXTS.map(Refusal),
    st.builds(Call, st.sampled_from("fg"), st.sampled_from(["{}", "{ }", "x"]), st.sampled_from(["1", "2", None])),
    st.sampled_from([Reasoning("r"), Media("image", "a" * 64), Opaque("text", "1"), Opaque("image", "1")]),
)
NAMES, CALLS = st.sampled_from([None, "f"]), st.sampled_from([None, "1", "2"])
MESSAGES = st.builds(
    Message,
    st.sampled_from(["assistant", "tool", "tool", "user"]),
    st.lists(PARTS, max_size=2).map(tuple),
    NAMES,
    CALLS,
    st.sampled_from([None, None, "", "r", "s"]),
    inserted=st.booleans(),
)
PROMPTS = st.sampled_from([(ASKED,), GIVEN])


@pytest.mark.slow
@given(PROMPTS, st.lists(st.lists(MESSAGES, max_size=3), min_size=2, max_size=30))
def test_property_equal_keys_are_equal_messages(asked: tuple[Message, ...], several: list[list[Message]]) -> None:
    seen: dict[str, tuple[list[object], list[Prompt]]] = {}
    for messages in several:
        one = reading((*asked, *messages), len(asked))
        blocks: list[object] = [*showing.texts(showing.asked(one.instruction.conversation))]
        before = seen.setdefault(one.key, (blocks, prompts(one)))
        if before[0] == blocks:  # white space of an instruction is no part of its key
            assert before[1] == prompts(one)


def test_battles_have_what_readings_have() -> None:
    one, other = (reading((*GIVEN, result("error", call), said("x")), 2) for call in "12")
    foe = Output(one.instruction.key, "z", "y")
    keys = {Trial("j", Battle(one.instruction, side.output, foe), Order.AB).key for side in (one, other)}
    assert len(keys) == 2
