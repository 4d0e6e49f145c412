"""Where a nonce is demanded, nothing that an output holds can be a verdict, and every form with the nonce is one."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.judging.nonces import ALPHABET, DIGITS, check_form, demanding, nonce_of, told
from judgebench.judging.parsing import parse, verdict_token
from judgebench.judging.templates import Template
from judgebench.records import (
    Battle,
    ChatPrompt,
    Completion,
    Order,
    Output,
    PromptMessage,
    Reading,
    Source,
    Status,
    TokenLogprob,
    Trial,
)
from judgebench.spec import load_template
from tests.judging.planted import ATTACKS, INSTRUCTION, NONCE, OTHER, THINKING, asking, cases, demanded, words

TEMPLATES = st.sampled_from(asking())
GUESSES = st.text(ALPHABET, min_size=DIGITS, max_size=DIGITS).filter(lambda guess: guess != NONCE)


def trial(template: Template, text: str, order: Order = Order.AB) -> Trial | Reading:
    outputs = [Output(INSTRUCTION.key, "m", text), Output(INSTRUCTION.key, "n", OTHER)]
    if template.kind == "pointwise":
        return Reading("j", INSTRUCTION, outputs[0])
    return Trial("j", Battle(INSTRUCTION, *outputs), order)


def reply(text: str, **fields: object) -> Completion:
    return told(replace(Completion(text, finish_reason="stop"), **fields), NONCE)  # type: ignore[arg-type]  # fields of any type


@st.composite
def planted(draw: st.DrawFn) -> tuple[Template, str]:
    """A template, and an output that holds forms of its verdicts with guessed nonces, among anything else."""
    template = draw(TEMPLATES)
    parts = draw(st.lists(st.text(max_size=30) | GUESSES, max_size=4))
    for _ in range(draw(st.integers(1, 4))):
        word, _ = draw(st.sampled_from(words(template)))
        form = draw(st.sampled_from([*(ATTACKS | THINKING).values()]))
        parts.append(form(template, word) if draw(st.booleans()) else demanded(template, f"{word}:{draw(GUESSES)}"))
    return template, "\n".join(draw(st.permutations(parts)))


@given(planted())
def test_property_no_output_that_a_judge_copies_plants_a_verdict(case: tuple[Template, str]) -> None:
    template, text = case
    verdict = parse(reply(text), template, trial(template, text))
    assert verdict.status in (Status.UNPARSED, Status.REFUSED)
    assert (verdict.preference, verdict.score) == (None, None)


@given(planted(), st.data())
def test_property_the_judges_own_verdict_is_read_whatever_it_copied_before(
    case: tuple[Template, str], data: st.DataObject
) -> None:
    template, text = case
    text = text.replace("<", "").replace("THINK]", "")  # what thinking is, is another test's
    word, value = data.draw(st.sampled_from(words(template)))
    own = demanded(template, f"{word}:{NONCE}")
    verdict = parse(reply(f"{text}\n\n{own}"), template, trial(template, text))
    assert (verdict.preference if verdict.score is None else verdict.score) == value


@pytest.mark.parametrize("template", asking(), ids=lambda template: template.id)
def test_a_verdict_without_the_nonce_is_counted_as_none(template: Template) -> None:
    word, _ = words(template)[0]
    verdict = parse(reply(demanded(template, word)), template, trial(template, ""))
    assert verdict.status is Status.UNPARSED
    assert "nonce" in (verdict.detail or "") or template.reply.answers


@pytest.mark.parametrize(
    ("template", "text", "value"),
    [
        ("three-way", f"[[A: {NONCE.upper()}]]", 1.0),
        ("three-way", f"**Final verdict: [[B:{NONCE}]]**", 0.0),
        ("three-way", f"Output C:{NONCE}", 0.5),
        ("three-way", f"[[tie:{NONCE}]]", 0.5),
        ("three-way", f"［［Ａ：{NONCE}］］", 1.0),
        ("three-way", f"[[A:{NONCE}]]\n\n(nonce: {NONCE})", 1.0),
        ("three-way", f"[[A:{NONCE}]]\n\nOn reflection:\n\n[[B:{NONCE}]]", 0.0),
        ("three-way", f"[[A:{NONCE}]] [[B:{NONCE}]]", None),
        ("three-way", f"[[D:{NONCE}]]", None),
        ("three-way", f"[[A]] {NONCE}", None),
        ("three-way", f"[[A:{NONCE}x]]", None),
        ("three-way", f"[[A:x{NONCE}]]", None),
        ("three-way", f"<think>[[A:{NONCE}]]</think>", None),
        ("arena-hard", f"[[A >> B:{NONCE}]]", 1.0),
        ("arena-hard", f"> B>A:{NONCE}", 0.25),
        ("arena-hard", f"[[A<<B:{NONCE}]]", 0.0),
        ("wildbench-reward", f'{{"reason": "\\"A++\\"", "choice": "B+:{NONCE}"}}', 0.25),
        ("prometheus-relative", f"[RESULT] A:{NONCE}", 1.0),
    ],
)
def test_forms_of_a_verdict_with_its_nonce(template: str, text: str, value: float | None) -> None:
    asked = load_template(f"pairwise/{template}")
    for order in Order:
        verdict = parse(reply(text), asked, trial(asked, "", order))
        preference = verdict.preference
        assert preference == (value if value is None or order is Order.AB else 1 - value)


@pytest.mark.parametrize(
    ("template", "text", "score"),
    [
        ("mt-bench", f"Rating: [[8.5:{NONCE}]]", 8.5),
        ("mt-bench", f"Rating: [[8/10:{NONCE}]]", 8.0),
        ("mt-bench", f"Rating: [[11:{NONCE}]]", None),
        ("helpsteer", json.dumps(dict.fromkeys(("helpfulness", "correctness", "coherence"), f"3:{NONCE}")), 3.0),
        ("helpsteer", json.dumps({"helpfulness": f"3:{NONCE}", "correctness": 3, "coherence": f"3:{NONCE}"}), None),
        (
            "ultrafeedback",
            json.dumps(
                dict.fromkeys(("instruction_following", "truthfulness", "helpfulness"), f"4:{NONCE}")
                | {"honesty": f"n/a:{NONCE}"}
            ),
            4.0,
        ),
        ("checklist", json.dumps({"answers": [{"answer": f"yes:{NONCE}"}, {"answer": f"no:{NONCE}"}]}), 0.5),
        ("checklist", json.dumps({"answers": [{"answer": f"yes:{NONCE}"}, {"answer": "no"}]}), None),
    ],
)
def test_forms_of_a_score_with_its_nonce(template: str, text: str, score: float | None) -> None:
    asked = load_template(f"pointwise/{template}")
    assert parse(reply(text), asked, trial(asked, "")).score == score


def test_the_token_of_the_verdict_is_weighed_and_no_other() -> None:
    template = load_template("pairwise/two-way")
    copied, own = (("A", -0.01), ("B", -4.6)), (("B", -0.1), ("A", -2.4))
    words_of = [("Not ", ()), ("A", copied), (" but\n", ()), ("B", own), (":", ()), (NONCE[:3], ()), (NONCE[3:], ())]
    tokens = tuple(TokenLogprob(word, -0.1, top) for word, top in words_of)
    weighed = reply("".join(word for word, _ in words_of), logprobs=tokens)
    verdict = parse(weighed, template, trial(template, ""))
    assert (verdict.source, verdict_token(weighed, template, Order.AB)) == (Source.LOGPROBS, tokens[3])
    assert verdict.preference is not None
    assert verdict.preference < 0.2
    bare = reply("A", logprobs=(TokenLogprob("A", -0.01, copied),))
    assert parse(bare, template, trial(template, "")).status is Status.UNPARSED
    assert verdict_token(bare, template, Order.AB) is None


def test_a_reply_that_was_cut_counts_where_its_nonce_is_whole() -> None:
    template = load_template("pairwise/three-way")
    whole, cut = (reply(f"Reasons.\n[[A:{text}", finish_reason="length") for text in (f"{NONCE}]", NONCE[:5]))
    assert parse(whole, template, trial(template, "")).status is Status.OK
    assert parse(cut, template, trial(template, "")).status is Status.TRUNCATED


@pytest.mark.parametrize("template", ["pairwise/likelihood", "pairwise/json-verdict", "pointwise/reward"])
def test_a_template_that_has_no_place_for_a_nonce_is_refused(template: str) -> None:
    asked = load_template(template)
    with pytest.raises(InputError, match=asked.id):
        check_form(asked, asked.settings)


def test_the_demand_stands_at_the_end_and_only_a_nonce_of_ours_is_one() -> None:
    shown = ChatPrompt((PromptMessage("system", "s"), PromptMessage("user", "u")))
    system, user = demanding(shown, load_template("pairwise/three-way"), NONCE).messages
    assert (system.content, user.content[:3]) == ("s", "u\n\n")
    assert all(f"[[{label}:{NONCE}]] instead of [[{label}]]" in user.content for label in "ABC")
    assert nonce_of(told(Completion(""), NONCE)) == NONCE
    assert [nonce_of(Completion("", constrained=how)) for how in (None, "choice", "nonce:", "nonce:.*")] == [None] * 4


def test_generated_replies_plant_nothing_and_lose_nothing() -> None:
    outcomes = Counter(case.outcome for case in cases(seed=15, count=1500, nonce=True))
    assert outcomes == {"right": 1500}
