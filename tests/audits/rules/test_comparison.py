"""A submission beside others: copies, lengths, and words in common with outputs to the same instruction."""

import numpy as np

from judgebench.audits.findings import Severity
from judgebench.audits.rules import audit_submissions
from judgebench.audits.submission_set import SubmissionSet
from tests.audits.factories import TEMPLATES, altered, findings_in, honest, instructions, sentence, submission_set


def test_copies_name_both_models_and_are_medium() -> None:
    questions = instructions(60)
    copied = honest(questions, np.random.default_rng(100))
    report = audit_submissions(submission_set(60, planted=copied), TEMPLATES)
    copies = {finding.model: finding for finding in report.findings if finding.rule == "copied-output"}
    assert set(copies) == {"m0", "planted"}
    assert all(finding.severity is Severity.MEDIUM and finding.estimate.value > 0.8 for finding in copies.values())


def test_very_short_outputs_are_shown_as_short_and_nothing_worse() -> None:
    outputs = altered(lambda text: text[:9])
    assert findings_in(outputs)["length-outlier"].severity is Severity.MEDIUM
    report = audit_submissions(submission_set(60, planted=outputs), TEMPLATES)
    assert report.passed


def related(number: int, seed: int) -> str:
    """Words about instruction ``number``, as every model that answers it uses them."""
    rng = np.random.default_rng(1000 * number + seed)
    about = [f"word{number}x{place}" for place in rng.permutation(30)[:12]]
    return " ".join(about) + " " + sentence(rng)


def test_outputs_to_other_instructions_are_high_and_templates_around_an_answer_are_not() -> None:
    questions = {f"i{number}": f"Question {number}?" for number in range(80)}
    outputs = {f"m{seed}": {f"i{n}": related(n, seed) for n in range(80)} for seed in range(4)}
    outputs["shuffled"] = {f"i{n}": related((n + 7) % 80, 9) for n in range(80)}
    frame = "Thank you for this question. My answer, after some thought about it, is the following one: {}. I hope "
    frame += "that this was what you wanted to know, and I am glad to answer any further question about it."
    outputs["framed"] = {f"i{n}": frame.format(related(n, 9)) for n in range(80)}
    report = audit_submissions(SubmissionSet.of(questions, outputs), TEMPLATES)
    high = {(finding.model, finding.rule) for finding in report.findings if finding.severity is Severity.HIGH}
    assert high == {("shuffled", "unrelated-output")}
    alone = audit_submissions(SubmissionSet.of(questions, {"framed": outputs["framed"]}), TEMPLATES)
    assert "shared-text" in {finding.rule for finding in report.findings if finding.model == "framed"}
    assert {finding.rule for finding in alone.findings} <= {"shared-text", "repeated-line", "repeated-lines"}
