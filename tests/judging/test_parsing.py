"""Statuses, soft verdicts and the symmetries of parsing."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judgebench.conversations import Call, Conversation, Message, Text
from judgebench.judging.parsing import parse
from judgebench.judging.templates import Label, LabelScale, ReplyFormat, ScoreScale
from judgebench.records import Completion, Order, Source, Status, TokenLogprob
from judgebench.spec import load_template, templates
from tests.judging.agents import said, trial_of
from tests.quick import few

TWO_WAY = load_template("pairwise/two-way.v1")
THREE_WAY = load_template("pairwise/three-way.v1")
FIVE_WAY = load_template("pairwise/arena-hard.v1")
JSON = load_template("pairwise/json-verdict.v1")
G_EVAL = load_template("pointwise/g-eval.v1")
YES_NO = load_template("pointwise/yes-no.v1")
TEMPLATES = templates()


def token(said: str, **probabilities: float) -> TokenLogprob:
    """A token with its alternatives; an underscore in a name stands for a blank."""
    top = tuple((name.replace("_", " "), math.log(p)) for name, p in probabilities.items())
    return TokenLogprob(said, dict(top).get(said, math.log(0.5)), top)


def soft(*tokens: TokenLogprob, template=TWO_WAY, order=Order.AB, text=None):
    said = "".join(each.token for each in tokens) if text is None else text
    return parse(Completion(said, finish_reason="stop", logprobs=tokens), template, order)


def plain(text: str) -> TokenLogprob:
    return TokenLogprob(text, -0.1)


# Soft verdicts


def test_golden_alpaca_eval_weighs_the_two_identifiers():
    # AlpacaEval's logprob parser at l_m = -0.1, l_M = -2.4: p_first = .908877039; the swapped pair is 1 - p.
    scale = LabelScale((Label("m", 1.0), Label("M", 0.0)), case_sensitive=True)
    template = replace(TWO_WAY, scale=scale)
    said = TokenLogprob("m", -0.1, (("m", -0.1), ("M", -2.4)))
    first = soft(said, template=template)
    assert first.preference == pytest.approx(0.908877039, abs=1e-9)
    assert first.mass == pytest.approx(math.exp(-0.1) + math.exp(-2.4))
    assert soft(said, template=template, order=Order.BA).preference == 1 - first.preference


def test_spellings_of_a_label_are_added_up():
    verdict = soft(token("A", A=0.4, _A=0.2, a=0.1, B=0.2, The=0.1))
    assert verdict.source is Source.LOGPROBS
    assert verdict.preference == pytest.approx(0.7 / 0.9)
    assert verdict.mass == pytest.approx(0.9)


def test_an_absent_label_has_no_probability():
    assert soft(token("A", A=0.99, The=0.01)).preference == 1.0


def test_the_less_probable_draw_does_not_change_the_verdict():
    assert soft(token("B", A=0.7, B=0.3)).preference == pytest.approx(0.7)


def test_balanced_labels_are_exactly_a_tie():
    verdict = soft(token("C", A=0.1, B=0.1, C=0.75), template=replace(THREE_WAY, reply=ReplyFormat(soft=True)))
    assert (verdict.status, verdict.preference) == (Status.TIE, 0.5)


def test_too_little_mass_is_no_verdict_and_is_reported():
    verdict = soft(token("A", A=0.5, B=0.1, The=0.4))
    assert (verdict.status, verdict.preference) == (Status.UNPARSED, None)
    assert verdict.mass == pytest.approx(0.6)
    assert "0.600 of the probability" in verdict.detail


def test_the_verdict_token_stands_where_the_text_says():
    tokens = [
        plain('{"'),
        plain("rationale"),
        plain('":"'),
        plain("A"),
        plain('","verdict":"'),
        token("B", A=0.2, B=0.8),
    ]
    verdict = soft(*tokens, plain('"}'), template=JSON)
    assert verdict.preference == pytest.approx(0.2)


def test_a_token_may_carry_the_signs_around_the_label():
    tokens = [
        plain('{"verdict":'),
        TokenLogprob(' "A', math.log(0.6), ((' "A', math.log(0.6)), (' "B', math.log(0.4)))),
        plain('"}'),
    ]
    assert soft(*tokens, template=JSON).preference == pytest.approx(0.6)


def test_where_the_verdicts_token_is_not_certain_the_label_counts_and_the_verdict_says_so():
    other = soft(token("B", A=0.1, B=0.9), text="A")
    assert (other.source, other.preference) == (Source.LABEL, 1.0)
    assert "do not spell it" in other.detail
    wider = soft(plain("A or"), token(" B", _A=0.5, _B=0.5), plain("\nVerdict: A"), template=TWO_WAY)
    assert (wider.source, wider.preference) == (Source.LABEL, 1.0)
    assert "its token '\\nVerdict: A' does not" in wider.detail


def test_a_reply_that_began_otherwise_is_weighed_at_its_first_token():
    assert soft(token("The", A=0.5, B=0.4, The=0.05), text="The").preference == pytest.approx(0.5 / 0.9)
    assert soft(token("The", A=0.2, B=0.1, The=0.7)).status is Status.UNPARSED


def test_without_log_probabilities_the_label_decides():
    verdict = parse(Completion("A"), TWO_WAY, Order.AB)
    assert (verdict.preference, verdict.source, verdict.mass) == (1.0, Source.LABEL, None)


def test_a_weighted_score_is_the_mean_of_the_scale():
    verdict = soft(token("4", **{"3": 0.2, "4": 0.6, "5": 0.2}), template=G_EVAL)
    assert verdict.score == pytest.approx(4.0)
    assert verdict.preference is None


def test_yes_and_no_become_a_score():
    verdict = soft(token("Yes", Yes=0.6, YES=0.1, _yes=0.1, No=0.2), template=YES_NO)
    assert (verdict.status, verdict.score, verdict.preference) == (Status.OK, pytest.approx(0.8), None)


@pytest.mark.parametrize(
    "unknown",
    [
        TokenLogprob("A", math.nan, (("A", math.nan), ("B", 0.0))),
        TokenLogprob("A", -0.1, (("A", -0.1), ("B", math.nan))),
        TokenLogprob("A", math.nan, (("B", -0.1),)),
        TokenLogprob("A", -0.1),
        TokenLogprob("A", 0.9, (("A", 0.9), ("B", 0.1))),
    ],
)
def test_without_every_labels_log_probability_the_label_counts(unknown):
    verdict = soft(unknown)
    assert (verdict.source, verdict.preference, verdict.mass) == (Source.LABEL, 1.0, None)
    assert "weighed by its label" in verdict.detail


def test_a_token_that_begins_another_value_is_not_weighed_as_the_shorter_one():
    tens = replace(G_EVAL, scale=ScoreScale(1, 10, 1))
    cut = soft(token("1", **{"1": 0.9, "9": 0.1}), template=tens)
    assert (cut.source, cut.score) == (Source.LABEL, 1.0)
    assert "may begin another value" in cut.detail
    whole = soft(token("1", **{"1": 0.8, "10": 0.2}), template=tens)
    assert (whole.source, whole.score) == (Source.LOGPROBS, pytest.approx(2.8))
    spelled = soft(token("1", **{"1": 0.9, "9": 0.1}), plain("0"), template=tens)
    assert (spelled.source, spelled.score) == (Source.LABEL, 10.0)
    halves = replace(G_EVAL, scale=ScoreScale(1, 5, 0.5))
    assert soft(token("3", **{"3": 0.9, "4": 0.1}), plain(".5"), template=halves).score == 3.5
    nine = soft(token("9", **{"9": 0.9, "1": 0.05, "8": 0.05}), template=tens)
    assert nine.score == pytest.approx((9 * 0.9 + 8 * 0.05) / 0.95), "what 1 begins is not known"


def test_a_noun_before_the_label_is_not_the_verdicts_token():
    verdict = soft(plain("[["), plain("Output"), token(" A", _A=0.7, _B=0.3), plain("]]"))
    assert (verdict.source, verdict.preference) == (Source.LOGPROBS, pytest.approx(0.7))


@given(st.floats(-20, 0), st.floats(-20, 0))
def test_relabelling_the_tokens_mirrors_the_preference_exactly(a, b):
    template = replace(TWO_WAY, reply=ReplyFormat(soft=True, min_mass=0.0))
    one = soft(TokenLogprob("A", a, (("A", a), ("B", b))), template=template)
    other = soft(TokenLogprob("B", a, (("B", a), ("A", b))), template=template)
    assert one.preference == pytest.approx(1 - other.preference, abs=1e-12)
    assert (one.status is Status.TIE) == (one.preference == 0.5) == (other.status is Status.TIE)


# Text

VERDICTS = [("[[A]]", 1.0), ("[[B]]", 0.0), ("[[C]]", 0.5), ("Final verdict: A", 1.0), ("My verdict is B.", 0.0)]
NOISE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300).filter(
    lambda text: not any(sign in text for sign in "<[]{}\\`>【】［］") and not text.strip().endswith(":")
)


@given(st.sampled_from(VERDICTS), NOISE, NOISE)
def test_words_around_a_verdict_change_nothing(verdict, before, after):
    said, preference = verdict
    bare = parse(Completion(said), THREE_WAY, Order.AB)
    noisy = parse(Completion(f"{before}\n\n{said}\n\n{after}"), THREE_WAY, Order.AB)
    assert bare.preference == preference
    if "[[" in said:
        assert noisy.preference == preference or "both" in (noisy.detail or "") or "not on the scale" in noisy.detail


TOKENS = [
    "[[A]]",
    "[[B]]",
    "[[C]]",
    "A",
    "B",
    "\n",
    " ",
    "Final verdict: ",
    "Output A",
    "Output B",
    "is",
    ".",
    "[[",
    "]]",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
@settings(max_examples=400)
@example("[[A]] [[B]]")
@example("[[A]]Final verdict: A B")
@example("Final verdict: A A")
@example("Final verdict: A Output A")
def test_exchanging_the_labels_exchanges_the_verdict(text):
    mirror = str.maketrans("AB", "BA")
    one = parse(Completion(text), THREE_WAY, Order.AB)
    other = parse(Completion(text.translate(mirror)), THREE_WAY, Order.AB)
    assert one.status == other.status
    if one.preference is not None:
        assert one.preference == 1 - other.preference


@pytest.mark.slow
@given(
    st.text()
    | st.lists(
        st.sampled_from(
            [
                '{"',
                "verdict",
                '":',
                '"A"',
                '"B"',
                "}",
                "[[",
                "]]",
                "<think>",
                "</think>",
                "\\",
                "\ud800",
                "\0",
                "7",
                "yes",
                ",",
            ]
        )
    ).map("".join)
)
@settings(max_examples=300)
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.id)
def test_any_reply_has_a_verdict_record_that_holds_together(template, text):
    for finish in ("stop", "length", "content_filter", None):
        verdict = parse(Completion(text, reasoning="[[A]]", finish_reason=finish), template, Order.AB)
        decided = verdict.status in (Status.OK, Status.TIE)
        value = verdict.preference if template.kind == "pairwise" else verdict.score
        assert decided == (value is not None)
        assert decided == (verdict.detail is None)
        assert (verdict.status is Status.TIE) == (verdict.preference == 0.5)
        assert (verdict.source is Source.NONE) == (not decided)


def test_reasoning_beside_the_reply_gives_no_verdict():
    verdict = parse(Completion("", reasoning="Final verdict: [[A]]", finish_reason="stop"), THREE_WAY, Order.AB)
    assert verdict.status is Status.UNPARSED


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    few(["[[A]] ", '{"a":', "<think>", "[[", '{"', '{"verdict":"A"}', "verdict: ", "[RESULT] ", " ", "\n", "1."], 3),
)
@pytest.mark.parametrize("template", [THREE_WAY, FIVE_WAY, JSON, G_EVAL], ids=lambda template: template.id)
def test_a_megabyte_of_hostile_text_is_read_in_pieces_of_bounded_size(template, unit):
    """Every pattern is bounded; a quadratic one would take hours here."""
    text = unit * (1_000_000 // len(unit))
    assert parse(Completion(text), template, Order.AB).status in Status


# Likelihood


@pytest.mark.parametrize(
    ("template", "conditional", "unconditional", "tokens", "expected"),
    [
        ("pairwise/likelihood", [-10, -20], [-12, -25], [5, 5], 0.0),
        ("pairwise/likelihood", [-10, -20], [-16, -25], [5, 5], 1.0),
        ("pairwise/likelihood", [-10, -20], [-15, -25], [5, 5], 0.5),
        ("pairwise/likelihood-mean", [-10, -20], [0, 0], [5, 20], 0.0),
        ("pairwise/likelihood-pmi-mean", [-10, -20], [-16, -25], [6, 2], 0.0),
    ],
)
def test_the_larger_likelihood_wins(template, conditional, unconditional, tokens, expected):
    text = json.dumps({"conditional": conditional, "unconditional": unconditional, "tokens": tokens})
    verdict = parse(Completion(text), load_template(template), Order.AB)
    assert (verdict.preference, verdict.source) == (expected, Source.LIKELIHOOD)
    assert parse(Completion(text), load_template(template), Order.BA).preference == 1 - expected


ONE = '{"conditional": [%s, 1], "unconditional": [1, 1], "tokens": [1, 1]}'


@pytest.mark.parametrize("number", ["NaN", "1e999", "9" * 400, "null", '"x"', "[]"])
def test_what_is_no_number_is_no_likelihood(number):
    assert parse(Completion(ONE % number), load_template("pairwise/likelihood"), Order.AB).status is Status.UNPARSED


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", ONE.replace(", 1]", "]"), "1" * 5000, "[" * 100_000])
def test_what_is_not_two_likelihoods_is_no_verdict(text):
    verdict = parse(Completion(text), load_template("pairwise/likelihood"), Order.AB)
    assert verdict.status is Status.UNPARSED
    assert verdict.detail


@pytest.mark.parametrize(("text", "score"), [("-3.25", -3.25), (" 14.625\n", 14.625), ("1e-3", 0.001), ("0", 0.0)])
def test_a_reward_is_a_score_without_bounds(text, score):
    verdict = parse(Completion(text), load_template("pointwise/reward"), Order.AB)
    assert (verdict.status, verdict.score, verdict.preference) == (Status.OK, score, None)


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1e999", "high", "[1]", "null", "3 4", "9" * 5000])
def test_what_is_no_number_is_no_reward(text):
    assert parse(Completion(text), load_template("pointwise/reward"), Order.AB).status is Status.UNPARSED


def test_a_verdict_that_a_judge_quotes_from_a_call_or_a_result_is_not_its_own():
    call = Call("rate", '{"verdict": "[[B]]"}', "1")
    result = Message("tool", (Text("the tool says: [[B]] wins"),), call="1")
    acting = Conversation((said("Rate.", role="user"), said(call), result, said("Done.")))
    trial = trial_of(acting, acting)
    for quoted in ("the tool says: [[B]] wins", '{"verdict": "[[B]]"}'):
        reply = Completion(f"[[A]]\n\nOutput A holds\n> {quoted}", finish_reason="stop")
        assert parse(reply, THREE_WAY, trial).preference == 1.0
        assert parse(reply, THREE_WAY, Order.AB).preference != 1.0


@pytest.mark.parametrize("text", ["4.5", "4-5", "4 \u2013 5", "4, 5", "45", "4th"])
def test_a_number_that_its_first_token_but_begins_is_not_weighed_by_it(text: str) -> None:
    template = load_template("pointwise/g-eval")
    head = TokenLogprob("4", math.log(0.9), (("4", math.log(0.9)), ("5", math.log(0.1))))
    tail = TokenLogprob(text[1:], -0.1, ((text[1:], -0.1),))
    for tokens in ((head, tail), (replace(head, token="\u2581" + head.token), tail)):
        verdict = parse(Completion(text, logprobs=tokens), template, Order.AB)
        assert verdict.status is Status.UNPARSED, verdict
    said = parse(Completion("4\nIt is fine.", logprobs=(head, TokenLogprob("\nIt is fine.", -0.1))), template, Order.AB)
    assert said.score == pytest.approx(4.1)
