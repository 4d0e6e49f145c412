"""Outputs that are, or hold, those of another model, however they were changed; and honest ones beside them."""

import numpy as np
import pytest

from judgebench.audits.findings import Finding, Severity
from judgebench.audits.rules import audit_submissions
from judgebench.audits.submission_set import SubmissionSet
from tests.audits.factories import TEMPLATES, honest, instructions, sentence

COUNT = 100
QUESTIONS = instructions(COUNT)


def texts(seed: int) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    return {key: " ".join(sentence(rng) for _ in range(10)) for key in QUESTIONS}


def changed(text: str, share: float, rng: np.random.Generator) -> str:
    return " ".join("replaced" if rng.random() < share else word for word in text.split())


def findings(planted: dict[str, str]) -> dict[str, Finding]:
    others = {f"m{seed}": texts(seed) for seed in range(4)}
    report = audit_submissions(SubmissionSet.of(QUESTIONS, others | {"x": planted}), TEMPLATES, models=["x"])
    return {finding.rule: finding for finding in report.findings}


@pytest.mark.parametrize("share", [0.0, 0.02, 0.05, 0.1])
def test_an_output_with_words_replaced_is_a_near_copy(share: float) -> None:
    rng = np.random.default_rng(0)
    mine = texts(9) | {key: changed(text, share, rng) for key, text in list(texts(0).items())[:20]}
    finding = findings(mine)["near-copy"]
    assert finding.severity is Severity.MEDIUM
    assert set(finding.outputs) <= set(list(QUESTIONS)[:20])
    assert len(finding.outputs) >= 15


def test_another_output_behind_an_output_is_held() -> None:
    mine = {
        key: f"{text} {other} {third}"
        for (key, text), other, third in zip(texts(9).items(), texts(0).values(), texts(8).values(), strict=True)
    }
    finding = findings(mine)["holds-other-output"]
    assert (finding.severity, finding.estimate.value) == (Severity.MEDIUM, 1.0)


def test_honest_outputs_are_not_near() -> None:
    assert not {"near-copy", "holds-other-output", "copied-output"} & set(findings(texts(9)))
    assert not {"near-copy", "holds-other-output"} & set(findings(honest(QUESTIONS, np.random.default_rng(3))))


def test_a_text_in_a_script_without_blanks_is_compared_by_character() -> None:
    rng = np.random.default_rng(1)
    chinese = {key: "".join(chr(code) for code in rng.integers(0x4E00, 0x5200, 120)) for key in QUESTIONS}
    near = {key: text[:60] + "水" + text[61:] for key, text in chinese.items()}
    report = audit_submissions(SubmissionSet.of(QUESTIONS, {"a": chinese, "b": near}), [])
    assert {finding.model for finding in report.findings if finding.rule == "near-copy"} == {"a", "b"}


def test_one_new_model_is_held_against_a_sample() -> None:
    questions = {f"i{number}": f"Question {number}?" for number in range(1000)}
    rng = np.random.default_rng(2)
    stored = {f"m{n}": {key: " ".join(sentence(rng) for _ in range(6)) for key in questions} for n in range(4)}
    report = audit_submissions(SubmissionSet.of(questions, stored | {"new": stored["m0"]}), [], models=["new"])
    (copy,) = (finding for finding in report.findings if finding.rule == "copied-output")
    assert copy.model == "new"
    assert 200 <= len(copy.outputs) < 300
    assert any("200" in note for note in report.notes)
