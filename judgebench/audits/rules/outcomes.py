"""What stored verdicts add to a submission's texts: do outputs that ignore their instruction win, and does the place in
which they are shown decide?

Repeated texts are a permutation test that somebody else paid for: exchanging equal outputs between instructions changes
nothing, so the win rate they have is the win rate they keep. Zheng et al. 2025's null model wins in either place by
design, which is why the second rule compares a model with the others and is never severe by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.findings import LEVEL, Finding, Rule, Severity, mean_by_instruction, mean_estimate, span
from judgebench.audits.rules.repetition import repeated_keys, substantial, template_keys
from judgebench.audits.submission_set import Submission
from judgebench.stats.intervals import normal_estimate
from judgebench.stats.verdict_table import Floats, VerdictTable

INDEPENDENT = Rule(
    "wins-without-instruction",
    "Win rate of outputs that are repeated texts, or more than half shared text, of 120 characters or more and no "
    "refusals, or one text for everything; from 20 instructions on: exchanged between instructions they keep it. "
    "Medium when the interval lies above 10 %, high when more than half of the outputs are such.",
)


ASYMMETRY = Rule(
    "order-asymmetry",
    "Mean preference for the model when shown first less that when shown second, less the same over the other models. "
    "Low when its interval lies beyond 0.2 on either side, medium beyond 0.5; from 20 instructions in each order on.",
)


RULES = (INDEPENDENT, ASYMMETRY)


_LEAST = 20


_GATE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Verdicts about one model, one row each."""

    instruction: NDArray[np.int32]
    first: NDArray[np.bool_]  # whether the model was shown first
    placed: NDArray[np.bool_]  # whether that is known
    preference: Floats  # for the model


def findings(submission: Submission, table: VerdictTable) -> Iterator[Finding]:
    """What the rules of this module find for one model; nothing where the table has no verdict on it."""
    if submission.model not in table.models:
        return
    code = table.model_code(submission.model)
    seen = _seen(table, code)
    if not len(seen.preference):
        return
    yield from _independent(submission, table.instructions, seen)
    yield from _asymmetric(submission, seen, _others(table, code))


def _independent(submission: Submission, keys: Sequence[str], seen: _Seen) -> Iterator[Finding]:
    chosen = substantial(submission) & {*repeated_keys(submission), *template_keys(submission)}
    if len(set(submission.normalised.values())) == 1:
        chosen |= set(submission.texts)
    code = {key: number for number, key in enumerate(keys)}
    rows = np.isin(seen.instruction, [code[key] for key in chosen if key in code])
    means = mean_by_instruction(seen.instruction[rows], seen.preference[rows])
    if len(means) < _LEAST:
        return
    value, (lower, upper) = float(means.mean()), mean_estimate(means).ends
    if lower > _GATE:
        shown = tuple(span(key, submission.texts[key], 0, len(submission.texts[key])) for key in sorted(chosen)[:3])
        severity = Severity.HIGH if len(chosen) > len(submission) / 2 else Severity.MEDIUM
        yield Finding(submission.model, severity, INDEPENDENT.name, shown, value, max(0.0, lower), min(1.0, upper))


def _asymmetric(submission: Submission, seen: _Seen, others: _Seen) -> Iterator[Finding]:
    mine, rest = _gap(seen), _gap(others)
    if mine is None or rest is None:
        return
    value = mine[0] - rest[0]
    lower, upper = normal_estimate(value, float(np.hypot(mine[1], rest[1])), level=LEVEL).ends
    beyond = max(lower, -upper)
    if beyond > 0.2:
        severity = Severity.MEDIUM if beyond > 0.5 else Severity.LOW
        yield Finding(submission.model, severity, ASYMMETRY.name, (), value, lower, upper)


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
