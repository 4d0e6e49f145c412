"""Rules over verdicts: outputs that win without their instruction, and wins that hang on the place."""

import numpy as np

from judgebench.audits.findings import Finding, Severity
from judgebench.audits.rules import outcomes
from judgebench.audits.submission_set import SubmissionSet
from judgebench.stats.verdict_table import VerdictTable
from tests.audits.factories import honest, instructions

COUNT = 60
CONSTANT = "Thank you for your question. I will be glad to help you with it at any time."


def table(wins_first: float, wins_second: float, *, others_gap: float = 0.0, seed: int = 0) -> VerdictTable:
    """Models "base", "m0" and "x" against "base" in both orders; the chances are those of x."""
    rng = np.random.default_rng(seed)
    questions = tuple(instructions(COUNT))
    rows = []
    for number in range(COUNT):
        for model, first, second in ((1, 0.5 + others_gap / 2, 0.5 - others_gap / 2), (2, wins_first, wins_second)):
            for order, chance in ((0, second), (1, first)):  # the baseline is side A
                rows.append((model, number, order, 1.0 - float(rng.random() < chance)))
    model_b, instruction, order, preference = map(np.array, zip(*rows, strict=True))
    zeros = np.zeros(len(rows), dtype=np.int32)
    return VerdictTable(
        models=("base", "m0", "x"),
        instructions=questions,
        judges=("judge",),
        model_a=zeros,
        model_b=model_b.astype(np.int32),
        instruction=instruction.astype(np.int32),
        judge=zeros,
        order=order.astype(np.int8),
        preference=preference.astype(np.float64),
        length_a=zeros,
        length_b=zeros,
    )


def findings(verdicts: VerdictTable, texts: dict[str, str]) -> dict[str, Finding]:
    questions = instructions(COUNT)
    submission = SubmissionSet.of(questions, {"x": texts}).by_model["x"]
    return {finding.rule: finding for finding in outcomes.findings(submission, verdicts)}


def test_a_constant_text_that_wins_is_high_with_its_win_rate() -> None:
    finding = findings(table(0.6, 0.6), dict.fromkeys(instructions(COUNT), CONSTANT))["wins-without-instruction"]
    assert finding.severity is Severity.HIGH
    assert finding.estimate.lower is not None
    assert finding.estimate.upper is not None
    assert 0.1 < finding.estimate.lower < finding.estimate.value < finding.estimate.upper < 1
    assert abs(finding.estimate.value - 0.6) < 0.15


def test_a_constant_text_that_loses_and_an_honest_winner_are_not() -> None:
    assert not findings(table(0.02, 0.02), dict.fromkeys(instructions(COUNT), CONSTANT))
    assert not findings(table(0.9, 0.9), honest(instructions(COUNT), np.random.default_rng(0)))


def test_wins_in_one_place_only_are_shown_unless_every_model_has_them() -> None:
    texts = honest(instructions(COUNT), np.random.default_rng(0))
    finding = findings(table(0.95, 0.05), texts)["order-asymmetry"]
    assert finding.severity is Severity.MEDIUM
    assert finding.estimate.value > 0.7
    assert findings(table(0.05, 0.95), texts)["order-asymmetry"].estimate.value < -0.7
    assert not findings(table(0.95, 0.05, others_gap=0.9), texts)


def test_a_model_without_verdicts_has_no_finding() -> None:
    submission = SubmissionSet.of(instructions(COUNT), {"unseen": {}}).by_model["unseen"]
    assert not list(outcomes.findings(submission, table(0.5, 0.5)))
