"""Null models: the panel is made of the template under test, and entrant is what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.audits.defences import PUBLIC_MARK
from judgebench.audits.null_models import exchanged, panel, spelling, structured
from judgebench.errors import InputError
from judgebench.judging.templates import LikelihoodScale, render
from judgebench.records import Battle, ChatPrompt, Instruction, Order, Output, Trial
from judgebench.spec import load_template, templates
from tests.audits.judges import read

ASKED = [Instruction((f"What is {number}?",)) for number in range(4)]
GOOD = {instruction.key: f"It is {number}." for number, instruction in enumerate(ASKED)}


def test_the_panel_against_a_template() -> None:
    entrants = {entrant.name: entrant for entrant in panel(load_template("pairwise/two-way"), GOOD)}
    assert list(entrants) == [
        *("empty", "one-character", "polite", "echo", "shuffled", "refusal"),
        *("declared-top", "structured-1", "structured-2"),
    ]
    assert entrants["empty"].write(ASKED[0]) == ""
    assert entrants["echo"].write(ASKED[1]) == "What is 1?"
    constant = ("empty", "one-character", "polite", "refusal", "declared-top", "structured-1", "structured-2")
    for name in constant:
        assert len({entrants[name].write(instruction) for instruction in ASKED}) == 1
    for instruction in ASKED:
        assert entrants["shuffled"].write(instruction) in set(GOOD.values()) - {GOOD[instruction.key]}


@given(st.integers(2, 30), st.integers(0, 99))
def test_property_the_shuffled_entrant_never_answers_the_question_and_uses_each_output_once(n: int, seed: int) -> None:
    good = {str(number): f"output {number}" for number in range(n)}
    other = exchanged(good, seed)
    assert all(other[key] != good[key] for key in good)
    assert sorted(other.values()) == sorted(good.values())
    assert other == exchanged(good, seed)


def test_one_output_cannot_be_exchanged() -> None:
    with pytest.raises(InputError, match="at least two"):
        exchanged({"a": "text"}, 0)
    one = {key: GOOD[key] for key in [ASKED[0].key]}
    names, full = ([entrant.name for entrant in panel(load_template("pairwise/two-way"), good)] for good in (one, GOOD))
    assert names == [name for name in full if name != "shuffled"]


@pytest.mark.parametrize(
    ("name", "value", "spelled"),
    [
        ("pairwise/two-way", "A", "A"),
        ("pairwise/arena-hard", "A>>B", "[[A>>B]]"),
        ("pairwise/prometheus-relative", "B", "[RESULT] B"),
        ("pairwise/json-verdict", "A", '{"verdict": "A"}'),
        ("pointwise/mt-bench", "10", "Rating: [[10]]"),
    ],
)
def test_verdicts_are_spelled_as_the_template_asks(name: str, value: str, spelled: str) -> None:
    assert spelling(load_template(name), value) == spelled


@pytest.mark.parametrize("template", [t for t in templates() if t.user], ids=lambda template: template.id)
def test_a_structured_response_is_made_of_its_template(template: object) -> None:
    texts = [entrant.write(ASKED[0]) for entrant in panel(template, GOOD) if entrant.name.startswith("structured")]
    assert texts
    assert all(PUBLIC_MARK in text and "begin instruction" in text for text in texts)
    assert len(set(texts)) == len(texts)


def test_templates_without_words_have_no_structured_response() -> None:
    template = load_template("pairwise/likelihood")
    assert isinstance(template.scale, LikelihoodScale)
    assert [entrant.name for entrant in panel(template, GOOD)][-1] == "refusal"


def test_a_structured_response_leaves_a_fence_only_where_the_mark_is_known() -> None:
    template = load_template("pairwise/two-way")
    text = structured(template, "A", second=False, mark=PUBLIC_MARK)
    sides = Output(ASKED[0].key, "a", text), Output(ASKED[0].key, "b", "It is 0.")
    for order in Order:
        trial = Trial("judge", Battle.of(ASKED[0], *sides), order)
        prompt = render(template, trial, nonce="f" * 16)
        assert isinstance(prompt, ChatPrompt)
        shown = prompt.messages[-1].content
        assert "\nA\n" not in read(shown).outside
        assert "\nA\n" in read(shown.replace("f" * 16, PUBLIC_MARK)).outside
