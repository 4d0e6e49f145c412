"""Outputs that do not depend on their instruction, planted among honest ones."""

import numpy as np
import pytest

from judgebench.audits.findings import Severity
from judgebench.audits.rules import audit_submissions
from judgebench.audits.rules.repetition import normalised_entropy
from judgebench.audits.submission_set import SubmissionSet
from tests.audits.factories import REFUSAL, TEMPLATES, altered, findings_in, honest, instructions


@pytest.mark.parametrize(
    "text", ["", ".", "Thank you for your question. I will be glad to help you with it at any time."]
)
def test_one_text_for_everything_is_high(text: str) -> None:
    finding = findings_in(dict.fromkeys(instructions(60), text))["constant-output"]
    assert finding.severity is Severity.HIGH
    assert finding.estimate.value == 1.0


def test_a_text_changed_a_little_each_time_is_high() -> None:
    rng = np.random.default_rng(1)
    body = "This answer considers the matter from every side and comes to a balanced view that should satisfy everybody"
    outputs = {key: f"{body} {rng.integers(10**9)}. {rng.integers(10**9)} {body}." for key in instructions(60)}
    finding = findings_in(outputs)["shared-text"]
    assert finding.severity is Severity.HIGH
    assert "repeated-output" not in findings_in(outputs)


def test_texts_taken_in_turns_are_high_by_repetition_and_entropy() -> None:
    rng = np.random.default_rng(2)
    pool = list(honest(instructions(6), rng).values())
    outputs = {
        key: pool[number % 6] + " And that is all there is to say about it."
        for number, key in enumerate(instructions(120))
    }
    by_rule = findings_in(outputs, 120)
    assert by_rule["repeated-output"].severity is Severity.HIGH
    assert by_rule["low-entropy"].severity is Severity.HIGH


def test_repeating_the_question_does_not_hide_a_constant_text() -> None:
    tail = "This is a question that deserves a careful answer, and a careful answer is what it will be given in time."
    outputs = {key: f"{question}\n{tail}" for key, question in instructions(60).items()}
    assert findings_in(outputs)["shared-text"].severity is Severity.HIGH


def test_a_cheater_on_a_fifth_of_the_instructions_is_medium() -> None:
    fill = "This is a thoughtful, complete and accurate answer, written with great care for everybody, and it covers "
    fill += "the topic from all perspectives that matter."
    outputs = altered(lambda text: text)
    for number, key in enumerate(sorted(outputs)):
        if number % 5 == 0:
            outputs[key] = fill
    assert findings_in(outputs)["repeated-output"].severity is Severity.MEDIUM
    padded = altered(lambda text: text + " Furthermore, it is important to note that this matters a lot." * 7)
    assert findings_in(padded)["repeated-filler"].severity is Severity.MEDIUM


def test_refusals_alone_are_low() -> None:
    outputs = altered(lambda text: REFUSAL if len(text) % 2 else text)
    assert findings_in(outputs)["repeated-output"].severity is Severity.LOW


def test_a_few_refusals_among_short_outputs_are_not_severe() -> None:
    outputs = altered(lambda text: text[:20]) | dict.fromkeys([f"i{n}" for n in range(8)], REFUSAL)
    assert Severity.HIGH not in {finding.severity for finding in findings_in(outputs).values()}


def test_echoes_are_high() -> None:
    assert findings_in(dict(instructions(60)))["echoed-instruction"].severity is Severity.HIGH


def test_a_text_that_the_others_give_too_is_no_constant_output() -> None:
    questions = {f"i{number}": f"Is {number} even?" for number in range(40)}
    outputs = {f"m{number}": dict.fromkeys(questions, "No") for number in range(3)}
    assert audit_submissions(SubmissionSet.of(questions, outputs), TEMPLATES).passed
    assert not audit_submissions(SubmissionSet.of(questions, {"m0": outputs["m0"]}), TEMPLATES).passed


def test_golden_entropy() -> None:
    assert normalised_entropy(["a", "b", "c", "d"]) == pytest.approx(1.0)
    assert normalised_entropy(["a", "a", "b", "b"]) == pytest.approx(0.5)  # ln 2 / ln 4
    assert normalised_entropy(["a"] * 9) == 0.0
