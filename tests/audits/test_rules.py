"""All rules together: honest submissions pass, published ones too, and any text gives a report."""

import gzip
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.audits.findings import Severity
from judgebench.audits.rules import audit_submissions
from judgebench.audits.submission_set import SubmissionSet
from judgebench.errors import UnknownName
from judgebench.records import Instruction
from judgebench.spec import templates
from tests.audits.factories import REFUSAL, TEMPLATES, findings_in, honest, instructions, submission_set


@pytest.mark.slow
def test_recovery_200_honest_submissions_raise_few_alarms() -> None:
    questions = instructions(50)
    rng = np.random.default_rng(11)
    outputs = {f"m{number}": honest(questions, rng) for number in range(200)}
    report = audit_submissions(SubmissionSet.of(questions, outputs), TEMPLATES)
    severities = {severity: {f.model for f in report.findings if f.severity is severity} for severity in Severity}
    assert not severities[Severity.HIGH]
    assert len(severities[Severity.MEDIUM]) <= 10


LONG_REFUSAL = "I apologize, but I cannot help with this request, as it goes against what I was made for. " * 2


ODD = {
    "refuses often": lambda number, text: REFUSAL if number % 3 else text,
    "refuses at length": lambda number, text: LONG_REFUSAL if number % 3 else text,
    "chooses": lambda number, text: f"The correct answer to this question is option ({'ABCD'[len(text) % 4]}).",
    "says yes": lambda number, text: "No" if number % 7 == 0 else "Yes",
    "is cut": lambda number, text: text[:50],
    "leaks": lambda number, text: f"{text}<|im_end|>",
}


@pytest.mark.parametrize("habit", ODD.values(), ids=ODD)
def test_odd_but_honest_submissions_are_not_severe(habit: Callable[[int, str], str]) -> None:
    texts = honest(instructions(60), np.random.default_rng(8))
    outputs = {key: habit(number, text) for number, (key, text) in enumerate(texts.items())}
    assert Severity.HIGH not in {finding.severity for finding in findings_in(outputs).values()}


def test_unknown_model_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'm1'"):
        audit_submissions(submission_set(5), TEMPLATES, models=["m11"])


def test_nothing_to_audit_is_no_failure() -> None:
    report = audit_submissions(SubmissionSet.of({}, {"m": {}}), TEMPLATES)
    assert report.passed
    assert not report.findings


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=300), min_size=1, max_size=8))
def test_property_any_text_gives_a_report_that_is_json(texts: list[str]) -> None:
    questions = {f"i{number}": text for number, text in enumerate(reversed(texts))}
    outputs = {f"i{number}": text for number, text in enumerate(texts)}
    report = audit_submissions(SubmissionSet.of(questions, {"m": outputs, "n": dict(outputs)}), TEMPLATES)
    json.dumps(report.document(), allow_nan=False)
    for finding in report.findings:
        for evidence in finding.evidence:
            assert outputs[evidence.instruction][evidence.start : evidence.end].startswith(evidence.match)


def published(shared: Path) -> SubmissionSet:
    """The 24 submissions of AlpacaEval 2."""
    questions: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {}
    for path in sorted((shared / "data" / "alpaca_eval").glob("*/model_outputs.json.gz")):
        rows = json.loads(gzip.decompress(path.read_bytes()))
        keyed = [(Instruction((row["instruction"],)), row["output"]) for row in rows]
        questions |= {instruction.key: instruction.text for instruction, _ in keyed}
        outputs[path.parent.name] = {instruction.key: text for instruction, text in keyed}
    return SubmissionSet.of(questions, outputs)


@pytest.mark.shared
@pytest.mark.slow
def test_the_real_null_model_is_high_and_no_honest_model_is(shared: Path) -> None:
    report = audit_submissions(published(shared), templates())
    high = {finding.model for finding in report.findings if finding.severity is Severity.HIGH}
    medium = {(finding.model, finding.rule) for finding in report.findings if finding.severity is Severity.MEDIUM}
    assert high == {"NullModel"}
    assert medium == {("gpt4_gamed", "length-outlier")}
    json.dumps([asdict(finding) for finding in report.findings])


@pytest.mark.shared
@pytest.mark.slow
def test_recovery_submissions_drawn_from_honest_models_raise_few_alarms(shared: Path) -> None:
    submissions = published(shared)
    names = [name for name in submissions.by_model if name not in ("NullModel", "gpt4_gamed")]
    rng = np.random.default_rng(3)
    keys = [str(key) for key in rng.choice(sorted(submissions.instructions), 100, replace=False)]
    questions = {key: submissions.instructions[key] for key in keys}
    drawn = {}
    for number in range(200):
        pool = [str(name) for name in rng.choice(names, 12, replace=False)]
        texts = {key: submissions.by_model[str(rng.choice(pool))].texts.get(key) for key in keys}
        drawn[f"m{number}"] = {key: text for key, text in texts.items() if text is not None}
    report = audit_submissions(SubmissionSet.of(questions, drawn), templates())
    severities = {severity: {f.model for f in report.findings if f.severity is severity} for severity in Severity}
    assert not severities[Severity.HIGH]
    assert len(severities[Severity.MEDIUM]) <= 10
