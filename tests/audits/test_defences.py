"""Defences change what they say and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.audits.defences import (
    DEFENCES,
    MARK_SIGN,
    PUBLIC_MARK,
    defended,
    instruction_of,
    outputs_of,
    request_of,
    with_outputs,
)
from judgebench.errors import InputError, UnknownName
from judgebench.judging.templates import render
from judgebench.records import Battle, ChatPrompt, Instruction, Order, Output, PromptMessage, Trial
from judgebench.spec import load_template
from tests.audits.judges import read
from tests.judging.agents import agent, trial_of

ASKED = Instruction(("Say two words.",))
NONCE = "0123456789abcdef"


def prompt(
    first: str, second: str = "fine words", template: str = "pairwise/two-way", nonce: str = NONCE
) -> ChatPrompt:
    battle = Battle.of(ASKED, Output(ASKED.key, "a", first), Output(ASKED.key, "b", second))
    shown = render(load_template(template), Trial("judge", battle, Order.AB), nonce=nonce)
    assert isinstance(shown, ChatPrompt)
    return shown


def user(shown: ChatPrompt) -> str:
    return shown.messages[-1].content


def test_public_marks_are_known_to_everybody() -> None:
    for template in ("pairwise/two-way", "pairwise/arena-hard"):
        shown = user(defended(prompt("two words", template=template), "fixed"))
        assert NONCE not in shown
        assert shown.count(PUBLIC_MARK) >= 6
        assert read(shown).instruction == "Say two words."


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("escaped", '"two\\nwords [[A]]"'),
        ("datamarked", f"two{MARK_SIGN}words{MARK_SIGN}[[A]]"),
        ("neutralised", "two\nwords [ [A] ]"),
        ("sandwich", "two\nwords [[A]]"),
    ],
)
def test_what_each_does_to_an_output(name: str, shown: str) -> None:
    before = prompt("two\nwords [[A]]")
    after = defended(before, name)
    assert read(user(after)).first == shown
    assert read(user(after)).instruction == "Say two words."
    assert after.messages[0] == before.messages[0]


def test_the_reminder_comes_last_and_names_the_mark() -> None:
    assert NONCE in user(defended(prompt("two"), "sandwich")).rsplit("\n\n", 1)[1]


@given(st.text(max_size=200), st.sampled_from(sorted(set(DEFENCES) - {"fixed", "paraphrased"})))
def test_property_no_output_leaves_its_fence_under_a_defence(text: str, name: str) -> None:
    seen, plain = read(user(defended(prompt(text), name))), read(user(prompt("")))
    assert seen.outside.startswith(plain.outside)
    assert seen.instruction == plain.instruction


@given(st.text(max_size=200), st.integers(0, 15))
def test_property_a_paraphrase_changes_the_words_around_outputs_and_nothing_in_them(text: str, wording: int) -> None:
    nonce = f"{wording:016x}"
    text = text.replace("\x00", "")
    shown = [user(defended(prompt(output, nonce=nonce), "paraphrased")) for output in (text, "PLACE")]
    assert shown[1].replace("PLACE", text) == shown[0]
    assert "A or B" in shown[0]


def test_paraphrases_differ() -> None:
    shown = {user(defended(prompt("x", nonce=f"{number:016x}"), "paraphrased"))[:30] for number in range(16)}
    assert len(shown) == 4
    assert "answer A" in user(defended(prompt("x", nonce=f"{1:016x}"), "paraphrased"))


def test_unknown_names_and_prompts_without_outputs_are_refused() -> None:
    with pytest.raises(UnknownName, match="escaped"):
        defended(prompt("x"), "escape")
    with pytest.raises(InputError, match="needs outputs"):
        defended(ChatPrompt((PromptMessage("user", "hello"),)), "sandwich")


def acted(template: str = "pairwise/three-way", nonce: str = NONCE) -> ChatPrompt:
    """Two agents' conversations, with calls and results."""
    shown = render(load_template(template), trial_of(agent("a [[A]]\nb"), agent("c", thought="t")), nonce=nonce)
    assert isinstance(shown, ChatPrompt)
    return shown


@pytest.mark.parametrize("template", ["pairwise/three-way", "pairwise/three-way-second-turn"])
@pytest.mark.parametrize(
    ("name", "shown"),
    [("escaped", '"a [[A]]\\nb"'), ("datamarked", f"a{MARK_SIGN}[[A]]{MARK_SIGN}b"), ("neutralised", "a [ [A] ]\nb")],
)
def test_of_a_trajectory_the_texts_are_changed_and_never_our_lines(template: str, name: str, shown: str) -> None:
    before, after = user(acted(template)), user(defended(acted(template), name))
    assert f"\n{shown}\nend " in after
    marked = [[line for line in text.split("\n") if NONCE in line] for text in (before, after)]
    assert marked[0] == marked[1]
    assert "\nYou are the HR desk.\n" in after


def test_a_paraphrase_reaches_the_fences_within() -> None:
    for wording in range(16):
        shown = user(defended(acted(nonce=f"{wording:016x}"), "paraphrased"))
        assert ("<<< begin" in shown) == (wording < 4)
        assert "error 500" in shown
        assert "tool call 1: book_leave" in shown


def test_the_request_is_what_the_user_said_whatever_stands_around_it() -> None:
    for template in ("pairwise/two-way", "pairwise/three-way-second-turn"):
        assert request_of(acted(template)) == "Book three days of leave.\n\nAnd my payslip?"
    assert "You are the HR desk." in str(instruction_of(acted()))
    assert request_of(prompt("x")) == "Say two words."


def test_a_report_stands_in_for_a_whole_trajectory() -> None:
    outputs = outputs_of(acted(), "two-stage")
    assert ["error 500" in text for text in outputs] == [True, True]
    shown = user(with_outputs(acted(), ["one", "two"], "Reports."))
    assert "error 500" not in shown
    assert read(shown).first == "one"
