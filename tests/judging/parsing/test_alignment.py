"""The verdict's token is the one of the verdict in the text, whatever else the server logged."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from judgebench.judging.parsing import parse, verdict_token
from judgebench.judging.parsing.alignment import Unaligned, token_at
from judgebench.judging.templates import Label, LabelScale
from judgebench.records import Completion, Order, Source, TokenLogprob
from judgebench.spec import load_template

GOOD = replace(load_template("pairwise/two-way"), scale=LabelScale((Label("good", 1.0), Label("bad", 0.0))))
G_EVAL = load_template("pointwise/g-eval")
SURE = (("good", math.log(0.99)), ("bad", math.log(0.01)))  # what the verdict's token says
WRONG = (("bad", math.log(0.7)), ("good", math.log(0.3)))  # what every other token says
TAGS = [("<think>", "</think>"), ("", "</think>"), ("[THINK]", "[/THINK]"), ("", ""),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")]  # fmt: skip
ENDS = ["", "</s>", "<|im_end|>", "<|eot_id|>", "<｜end▁of▁sentence｜>", "<end_of_turn>", "\n", "<|return|>"]
THOUGHTS = st.lists(
    st.one_of(st.sampled_from(["good", " bad", "\n", ". ", "[A]", "“", "🎉", "é"]), st.characters(codec="utf-8")),
    max_size=20,
).map("".join)


def cut(text: str, places: list[int]) -> list[str]:
    ends = sorted({place % (len(text) + 1) for place in places} | {0, len(text)})
    return [text[one:other] for one, other in pairwise(ends)]


def in_bytes(text: str, spelling: str) -> list[str]:
    """A letter that is not ASCII in two tokens, as tokenizers cut it."""
    data = text.encode()
    if spelling == "lost":
        return ["\ufffd", "\ufffd" * (len(data) - 1)]
    escaped = [f"<0x{byte:02X}>" if spelling == "sentencepiece" else f"\\x{byte:02x}" for byte in data]
    return [escaped[0], "".join(escaped[1:])]


@st.composite
def tokens_of(draw: st.DrawFn, text: str) -> list[str]:
    """Any tokenisation: cut anywhere, blanks and bytes in a tokenizer's spelling."""
    tokens = []
    for part in cut(text, draw(st.lists(st.integers(0, 10**6), max_size=12))):
        letter = next((c for c in part if not c.isascii() and c not in "▁ĠĊ"), None)
        if letter is not None and part == letter and draw(st.booleans()):
            tokens += in_bytes(letter, draw(st.sampled_from(["lost", "sentencepiece", "escaped"])))
        else:
            tokens.append(part.replace(" ", draw(st.sampled_from([" ", "▁", "Ġ"]))))
    return tokens


def logged(words: list[str]) -> tuple[TokenLogprob, ...]:
    return tuple(TokenLogprob(word, math.log(0.5), WRONG) for word in words)


@given(st.data(), THOUGHTS, st.sampled_from(TAGS), st.sampled_from(ENDS), st.sampled_from(["apart", "inside", "gone"]))
def test_whatever_was_thought_the_verdicts_token_is_weighed(data, thought, tags, end, place):
    opening, closing = tags
    assume(place != "inside" or closing == "</think>" or opening)
    lead = data.draw(
        st.sampled_from(["", "\n\n", " ", "Both are fine, not bad at all.\n\nMy verdict: ", "“Très bien” 🎉\n"])
    )
    tail = data.draw(st.sampled_from(["", "\n", "."]))
    spelled = data.draw(st.sampled_from(["", " ", "▁", "Ġ"])) + "good"
    label = TokenLogprob(spelled, math.log(0.99), ((spelled, math.log(0.99)), ("bad", math.log(0.01))))
    thinking = f"{opening}{thought}{closing}"
    before = data.draw(tokens_of(thinking)) if place != "gone" else []
    tokens = (
        *logged(before),
        *logged(data.draw(tokens_of(lead))),
        label,
        *logged([part for part in (tail, end) if part]),
    )
    content = f"{lead}good{tail}"
    text = f"{thinking}{content}" if place == "inside" else content.strip()
    reasoning = thought if place == "apart" else None
    verdict = parse(Completion(text, reasoning=reasoning, finish_reason="stop", logprobs=tokens), GOOD, Order.AB)
    if place == "inside":  # what is thinking there is told in test_thinking
        assume(verdict.preference is not None and verdict.label == "good")
    assert (verdict.source, verdict.detail) == (Source.LOGPROBS, None)
    assert verdict.preference == pytest.approx(0.99)
    found = verdict_token(Completion(text, reasoning=reasoning, finish_reason="stop", logprobs=tokens), GOOD, Order.AB)
    assert found is label


@given(st.data(), st.text(max_size=40), st.text(max_size=40))
def test_any_tokens_and_any_text_give_the_verdicts_token_or_the_label(data, text, other):
    """Nothing is ever taken from a token that does not say what the text says."""
    tokens = logged(data.draw(tokens_of(other)))
    completion = Completion(f"{text}\nMy verdict: good", finish_reason="stop", logprobs=tokens)
    verdict = parse(completion, GOOD, Order.AB)
    if verdict.source is Source.LOGPROBS:
        assert other.endswith("good")
    elif verdict.preference is not None:
        assert (verdict.source, verdict.preference) == (Source.LABEL, 1.0)
        assert "weighed by its label" in (verdict.detail or "") or not tokens


def test_a_label_that_occurs_earlier_is_not_the_verdict():
    words = ["good", " or", " bad", "?", "\n", "Verdict", ": "]
    tokens = (*logged(words), TokenLogprob("good", math.log(0.99), SURE), *logged(["</s>"]))
    verdict = parse(Completion("good or bad?\nVerdict: good", logprobs=tokens), GOOD, Order.AB)
    assert verdict.preference == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("tokens", "reasoning"),
    [
        (["<think>", "it is ", "good"], None),  # thinking alone was logged
        (["it is ", "good"], "Hm, it is good"),
        (["<|channel|>", "analysis", "<|message|>", "good", "<|end|>"], None),
        (["<think>", "x", "</think>", "good", "]]"], None),  # a stop sequence that the text lacks
        (["<think>", "x", "</think>", "go"], None),
        (["go", "od"], None),
        ([], None),
    ],
)
def test_tokens_that_do_not_belong_to_the_text_are_not_used(tokens, reasoning):
    verdict = parse(Completion("good", reasoning=reasoning, logprobs=logged(tokens)), GOOD, Order.AB)
    assert (verdict.source, verdict.preference) == (Source.LABEL, 1.0)
    assert (verdict.detail is None) == (not tokens)


def test_a_score_is_weighed_where_it_stands_in_the_text():
    four = TokenLogprob("4", math.log(0.6), (("4", math.log(0.6)), ("5", math.log(0.4))))
    one = TokenLogprob("1", math.log(0.9), (("1", math.log(0.9)), ("2", math.log(0.1))))
    tokens = (*logged(["<think>", "maybe "]), one, *logged(["?", "</think>", "\n\n"]), four, *logged(["<|im_end|>"]))
    for text, reasoning in (("4", "maybe 1?"), ("4", None), ("<think>maybe 1?</think>\n\n4", None)):
        verdict = parse(Completion(text, reasoning=reasoning, logprobs=tokens), G_EVAL, Order.AB)
        assert (verdict.source, verdict.score) == (Source.LOGPROBS, pytest.approx(4.4))


@pytest.mark.parametrize("text", ["", "<think>", "<think>\nthe first"])
def test_thinking_that_was_cut_gives_no_verdict_from_its_first_token(text):
    """With no least mass any odds would do."""
    tokens = (TokenLogprob("<think>", 0.0, (("<think>", -0.01), ("A", -9.0), ("B", -12.0))), *logged(["\nthe first"]))
    completion = Completion(text, reasoning=None if text else "the first", finish_reason="length", logprobs=tokens)
    verdict = parse(completion, load_template("pairwise/letter"), Order.AB)
    assert (verdict.preference, verdict.source) == (None, Source.NONE)


def test_what_covers_a_place_is_found_behind_letters_cut_into_bytes():
    tokens = logged(["A", "🎉", "\ufffd", "\ufffd\ufffd", "é", "\\xe2\\x80", "\\x9d", "B", "<0x0A>"])
    assert token_at(tokens, "A🎉🎉é”B\n", 0) is tokens[0]
    assert token_at(tokens, "A🎉🎉é”B\n", 5) is tokens[7]
    with pytest.raises(Unaligned):
        token_at(tokens, "A🎉x🎉é”B\n", 0)
