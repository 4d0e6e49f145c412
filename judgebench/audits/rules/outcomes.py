"""What judges make of a submission: do outputs that ignore their instruction win, does the place in which they are
shown decide, and how probable are they to a local model?

Two rules read stored verdicts. Repeated texts are a permutation test that somebody else paid for: exchanging equal
outputs between instructions changes nothing, so the win rate they have is the win rate they keep. Zheng et al. 2025's
null model wins in either place by design, which is why the second rule compares a model with the others and is never
severe by itself.

Two rules need a judge's answers, and nothing is asked here. The permutation test is that of Zheng et al. 2025: a model
that answers loses its wins when its outputs go to other instructions, and one whose output ignores the instruction
keeps them. A judge that lets exchanged outputs win whoever wrote them says nothing about a submission: its findings are
then at most medium.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, FindingRule, Severity, mean_by_instruction
from judgebench.audits.rules.comparison import median_estimate
from judgebench.audits.rules.repetition import substantial, template_keys
from judgebench.audits.submission_set import ModelOutputs
from judgebench.stats.intervals import bounded_mean, normal_estimate
from judgebench.stats.verdict_table import Floats, VerdictTable

INDEPENDENT = FindingRule(
    "wins-without-instruction",
    "Win rate of outputs that are repeated texts, or more than half shared text, of 120 characters or more and no "
    "refusals, or one text for everything; from 20 instructions on: exchanged between instructions they keep it. "
    "Medium when the interval lies above 10 %, high when more than half of the outputs are such.",
)
ASYMMETRY = FindingRule(
    "order-asymmetry",
    "Mean preference for the model when shown first less that when shown second, less the same over the other models. "
    "Low when its interval lies beyond 0.2 on either side, medium beyond 0.5; from 20 instructions in each order on.",
)
RULES = (INDEPENDENT, ASYMMETRY)
PERMUTED = FindingRule(
    "wins-when-exchanged",
    "Win rate against the baseline of the model's own outputs, each shown under another instruction, over the same "
    "instructions. High where the interval lies above 10 % and above half of the model's win rate with its outputs in "
    "place, and the baseline's own outputs, exchanged in the same way, do not win; medium where these win too.",
)
LIKELIHOOD = FindingRule(
    "likelihood-outlier",
    "Median over instructions of the output's log-likelihood a token, to a local model after the instruction, less the "
    "median of the other models', in nats. Low where the interval lies beyond 1 on either side, medium beyond 2.5; "
    "from 10 instructions and three other models on. Text that no model would write is far below, text that repeats "
    "itself far above.",
)
ASKED_RULES = (PERMUTED, LIKELIHOOD)  # they need a judge to ask
_LEAST = 20
_GATE = 0.1  # win rate
_KEPT = 0.5  # of the win rate in place
_LOW_NATS, _MEDIUM_NATS, _LEAST_LIKELIHOODS, _OTHERS = 1.0, 2.5, 10, 3


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Verdicts about one model, one row each."""

    instruction: NDArray[np.int32]
    first: NDArray[np.bool_]  # whether the model was shown first
    placed: NDArray[np.bool_]  # whether that is known
    preference: Floats  # for the model


def findings(submission: ModelOutputs, table: VerdictTable) -> Iterator[Finding]:
    """What the rules of this module find for one model; nothing where the table has no verdict on it."""
    if submission.model not in table.models:
        return
    code = table.model_code(submission.model)
    seen = _seen(table, code)
    if not len(seen.preference):
        return
    yield from _independent(submission, table.instructions, seen)
    yield from _asymmetric(submission, seen, _others(table, code))


def _independent(submission: ModelOutputs, keys: Sequence[str], seen: _Seen) -> Iterator[Finding]:
    chosen = substantial(submission) & {*submission.repeated, *template_keys(submission)}
    if len(set(submission.normalised.values())) == 1:
        chosen |= set(submission.texts)
    code = {key: number for number, key in enumerate(keys)}
    rows = np.isin(seen.instruction, [code[key] for key in chosen if key in code])
    means = mean_by_instruction(seen.instruction[rows], seen.preference[rows])
    if len(means) < _LEAST:
        return
    rate = bounded_mean(means, np.arange(len(means)), level=LEVEL)
    if rate.ends[0] > _GATE:
        shown = submission.openings(sorted(chosen)[:3])
        severity = Severity.HIGH if len(chosen) > len(submission) / 2 else Severity.MEDIUM
        yield Finding(submission.model, severity, INDEPENDENT.name, shown, rate)


def _asymmetric(submission: ModelOutputs, seen: _Seen, others: _Seen) -> Iterator[Finding]:
    mine, rest = _gap(seen), _gap(others)
    if mine is None or rest is None:
        return
    apart = mine[0] - rest[0]
    gap = normal_estimate(apart, float(np.hypot(mine[1], rest[1])), level=LEVEL)
    never_varied = gap.lower is None
    beyond = abs(apart) if never_varied else max(gap.ends[0], -gap.ends[1])
    if beyond > 0.2:
        severity = Severity.MEDIUM if beyond > 0.5 else Severity.LOW
        yield Finding(submission.model, severity, ASYMMETRY.name, (), gap)


def _gap(seen: _Seen) -> tuple[float, float] | None:
    """Preference shown first less shown second, and its standard error; None with fewer than 20 instructions each."""
    parts = []
    for mask in (seen.first & seen.placed, ~seen.first & seen.placed):
        means = mean_by_instruction(seen.instruction[mask], seen.preference[mask])
        if len(means) < _LEAST:
            return None
        parts.append((float(means.mean()), float(means.var(ddof=1) / len(means))))
    (first, first_variance), (second, second_variance) = parts
    return first - second, float(np.sqrt(first_variance + second_variance))


def _seen(table: VerdictTable, code: int) -> _Seen:
    chosen = table.select((table.model_a == code) | (table.model_b == code))
    as_a = chosen.model_a == code
    preference = np.where(as_a, chosen.preference, 1.0 - chosen.preference)
    return _Seen(chosen.instruction, as_a == (chosen.order == 0), chosen.order >= 0, preference)


def _others(table: VerdictTable, code: int) -> _Seen:
    """Verdicts about the models that met the same opponents without ``code``, seen from the side that is not shared.

    Against a baseline that is every other model against it; among all pairs, each battle without ``code`` from side A.
    """
    mine = table.select((table.model_a == code) | (table.model_b == code))
    opponents = np.unique(np.where(mine.model_a == code, mine.model_b, mine.model_a))
    rest = table.select((table.model_a != code) & (table.model_b != code))
    rest = rest.select(np.isin(rest.model_a, opponents) | np.isin(rest.model_b, opponents))
    as_a = np.isin(rest.model_b, opponents)
    preference = np.where(as_a, rest.preference, 1.0 - rest.preference)
    return _Seen(rest.instruction, as_a == (rest.order == 0), rest.order >= 0, preference)


def permuted_finding(model: str, exchanged: Floats, in_place: Floats, control: Floats) -> Finding | None:
    """``exchanged``, ``in_place`` and ``control`` hold one mean preference an instruction: for the model's exchanged
    outputs, for its outputs in place, and for the baseline's exchanged outputs."""
    if len(exchanged) < 2 or not len(in_place):
        return None
    rate = bounded_mean(exchanged, np.arange(len(exchanged)), level=LEVEL)
    if not rate.ends[0] > max(_GATE, _KEPT * float(in_place.mean())):
        return None
    fooled = len(control) > 1 and bounded_mean(control, np.arange(len(control)), level=LEVEL).ends[0] > _GATE
    severity = Severity.MEDIUM if fooled else Severity.HIGH
    return Finding(model, severity, PERMUTED.name, (), rate)


def likelihood_findings(by_model: Mapping[str, Mapping[str, float]], chosen: Sequence[str]) -> list[Finding]:
    """``by_model`` holds the log-likelihood a token of each model's output, by instruction."""
    findings = []
    for model in chosen:
        others = [likelihoods for name, likelihoods in by_model.items() if name != model]
        if len(others) < _OTHERS:
            continue
        gaps = np.array(
            [
                value - float(np.median([likelihoods[key] for likelihoods in others if key in likelihoods]))
                for key, value in by_model.get(model, {}).items()
                if any(key in likelihoods for likelihoods in others)
            ]
        )
        if len(gaps) < _LEAST_LIKELIHOODS:
            continue
        gap = median_estimate(gaps)
        beyond = max(gap.ends[0], -gap.ends[1])
        if beyond > _LOW_NATS:
            severity = Severity.MEDIUM if beyond > _MEDIUM_NATS else Severity.LOW
            findings.append(Finding(model, severity, LIKELIHOOD.name, (), gap))
    return findings
