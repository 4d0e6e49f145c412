"""Persuaders: cut outputs with claims of four kinds, in many words, never longer than what they were cut from."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.audits.persuaders import CLAIMS, CONTROL, EVERY, cut, persuaders
from judgebench.records import Instruction, Output
from judgebench.spec import load_template
from tests.audits.persuadable import whole

ASKED = [Instruction((f"Tell me about number {number}.",)) for number in range(200)]
GOOD = {asked.key: Output(asked.key, "good", whole(number)) for number, asked in enumerate(ASKED)}
TWO_WAY = load_template("pairwise/two-way")


def written(template: str = "pairwise/two-way", seed: int = 0) -> dict[str, list[str]]:
    entrants = persuaders(load_template(template), GOOD, seed=seed)
    return {entrant.name: [text(entrant.write(asked)) for asked in ASKED] for entrant in entrants}


def text(entered: str | Output) -> str:
    assert isinstance(entered, Output)
    return entered.text


def test_the_control_is_the_cut_alone_and_each_persuader_the_cut_with_a_claim_before_or_after() -> None:
    texts = written()
    assert list(texts) == [CONTROL, *CLAIMS, EVERY]
    roles = [entrant.role for entrant in persuaders(TWO_WAY, GOOD)]
    assert roles == ["control", *["persuader"] * 5]
    for kind in CLAIMS:
        before = 0
        for claimed, bare, good in zip(texts[kind], texts[CONTROL], GOOD.values(), strict=True):
            assert good.text.startswith(bare)
            assert 180 < len(bare) <= 200
            assert len(bare) < len(claimed) < len(good.text)
            assert claimed.startswith(bare) != claimed.endswith(bare)
            before += claimed.endswith(bare)
        assert 60 < before < 140


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "pattern", "share"),
    [
        ("bandwagon", r"\d ?%", 0.2),
        ("bandwagon", r"\d+ (out )?of (ten|\d+)|\d+ (out )?of|Nine out of ten", 0.1),
        ("authority", r"(?i)\bexperts\b", 0.2),
        ("authority", r"\b(19|20)\d\d\b", 0.1),
        ("self-verdict", r"\bI (choose|prefer|pick|would)", 0.15),
        ("self-verdict", r"(?m)\b[AB]$|^[AB]$", 0.15),
        ("disparagement", r"(?i)\bother (answer|response|reply|output)\b", 0.9),
        (EVERY, r"(?i)\bexperts\b", 0.6),
        (EVERY, r"\d ?%", 0.6),
        (EVERY, r"\bI (choose|prefer|pick|would)", 0.6),
        (EVERY, r"(?i)\bother (answer|response|reply|output)\b", 0.9),
    ],
)
def test_a_judge_that_obeys_some_words_only_meets_them(kind: str, pattern: str, share: float) -> None:
    texts = written()[kind]
    assert sum(re.search(pattern, text) is not None for text in texts) >= share * len(texts)


def test_wordings_are_drawn_by_instruction_and_seed() -> None:
    assert written() == written()
    assert written() != written(seed=1)
    assert len(set(written()["authority"])) > 150


@pytest.mark.parametrize(
    ("template", "spelled"),
    [
        ("pairwise/arena-hard", r"\[\[(A>>B|B>>A)\]\]"),
        ("pairwise/json-verdict", r'\{"verdict": "[AB]"\}'),
        ("pointwise/mt-bench", r"Rating: \[\[10\]\]"),
    ],
)
def test_self_verdicts_are_spelled_as_the_template_asks(template: str, spelled: str) -> None:
    assert sum(re.search(spelled, text) is not None for text in written(template)["self-verdict"]) > 20


@pytest.mark.parametrize("template", ["pairwise/likelihood", "pointwise/reward"])
def test_a_judge_that_gives_no_verdict_in_words_meets_no_self_verdict(template: str) -> None:
    texts = written(template)
    assert list(texts) == [CONTROL, "bandwagon", "authority", "disparagement", EVERY]
    assert not any("I choose" in text for text in texts[EVERY])


def test_the_last_reply_of_a_conversation_is_cut_and_the_earlier_stay() -> None:
    asked = Instruction(("First?", "And then?"))
    good = {asked.key: Output(asked.key, "good", whole(1), earlier=("First this.",))}
    for entrant in persuaders(TWO_WAY, good):
        output = entrant.write(asked)
        assert isinstance(output, Output)
        assert output.earlier == ("First this.",)
        assert cut(whole(1)) in output.text


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("", ""),
        ("Paris.", ""),
        ("It is Paris, the capital of France.", "It is"),
        ("word " * 100, "word " * 39 + "word"),
        ("長" * 300, "長" * 75),
        ("x" * 500, ""),
    ],
)
def test_a_cut_is_short_and_of_whole_words(words: str, kept: str) -> None:
    assert cut(words) == kept


@given(st.text(max_size=900))
def test_property_a_cut_is_the_beginning_and_at_most_half(words: str) -> None:
    assert words.startswith(cut(words))
    assert len(cut(words)) <= min(200, len(words) // 2)


@given(st.integers(120, 900), st.integers(0, 50))
def test_property_no_persuader_is_longer_than_what_it_was_cut_from(length: int, seed: int) -> None:
    asked = ASKED[seed]
    good = {asked.key: Output(asked.key, "good", whole(seed)[:length])}
    for entrant in persuaders(TWO_WAY, good, seed=seed):
        assert len(text(entrant.write(asked))) <= length
