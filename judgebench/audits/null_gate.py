"""The gate that a judge must pass: no null model may win against it, and how that is told from few verdicts.

Bounds hold at every stop (``sequential``), so the audit ends as soon as the gate is decided. Against real models the
gate fails where an entrant is shown to win more than one of them does; where it is merely not shown to win less, the
margin is printed, because no number of verdicts separates a null model from a real one that never wins either.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from judgebench.audits.findings import AuditReport, Finding, Rule, Severity, make_report
from judgebench.stats.sequential import Bounds, running_bounds

RULE = Rule(
    "null-win-rate",
    "Win rate of an output that ignores its instruction against the baseline, an instruction counting once by the mean "
    "of its verdicts. High when its lower bound is above the gate; medium when the upper bound never came below it.",
)
REAL = Rule(
    "above-real-model",
    "Win rate of an output that ignores its instruction, whose lower bound is above the win rate of the worst real "
    "model against the same baseline by the same judge.",
)


_CHANCE = 25  # instructions


@dataclass(frozen=True, slots=True)
class Gate:
    """What a judge must show. ``error`` bounds the chance of passing a judge that ought to fail, and of the reverse."""

    fail_above: float = 0.1  # win rate in [0, 1] that no entrant may reach
    error: float = 0.05


@dataclass(frozen=True, slots=True)
class EntrantResult:
    """One entrant against the baseline; bounds hold whenever the audit stopped."""

    name: str
    about: str
    bounds: Bounds
    by_order: Mapping[str, float | None]  # mean preference when shown "first" and "second"; None: never shown so
    verdicts: int

    def decided(self, gate: Gate) -> bool | None:
        """True: below the gate; False: above it; None: not known yet."""
        if self.bounds.upper < gate.fail_above:
            return True
        return False if self.bounds.lower > gate.fail_above else None


@dataclass(frozen=True, slots=True)
class Seen:
    """One verdict on an entrant."""

    instruction: str  # key
    first: bool  # whether the entrant was shown first
    preference: float  # for the entrant


def measure(name: str, about: str, seen: Sequence[Seen], gate: Gate, *, entrants: int) -> EntrantResult:
    """An entrant's result; ``seen`` comes in the order in which instructions were drawn.

    An instruction counts once, by the mean of its verdicts. Passing needs every entrant, so its error is not divided;
    one of many is enough to fail, so that error is divided by ``entrants``.
    """
    by_instruction: dict[str, list[float]] = {}
    for each in seen:
        by_instruction.setdefault(each.instruction, []).append(each.preference)
    means = [float(np.mean(values)) for values in by_instruction.values()]
    bounds = running_bounds(means, lower_error=gate.error / max(entrants, 1), upper_error=gate.error)
    places = {
        name: [each.preference for each in seen if each.first is wanted]
        for name, wanted in (("first", True), ("second", False))
    }
    by_order = {name: float(np.mean(values)) if values else None for name, values in places.items()}
    return EntrantResult(name, about, bounds, by_order, len(seen))


def settled(results: Sequence[EntrantResult], gate: Gate) -> bool:
    """Whether to stop: every entrant is decided, or one is above the gate and the others have had their chance to be
    caught too, 25 instructions each."""
    waiting = [result.bounds.count for result in results if result.decided(gate) is None]
    if not waiting:
        return True
    return any(result.decided(gate) is False for result in results) and min(waiting) >= _CHANCE


def gate_report(results: Sequence[EntrantResult], gate: Gate, real: Mapping[str, float]) -> AuditReport:
    """The audit's report. ``real`` holds the win rates of real models against the same baseline by the same judge."""
    findings = list(_findings(results, gate, real))
    limit = f"{gate.fail_above:.0%}"
    failures = [
        f"{f.model}: its win rate {f.value:.1%} is {_how(f)} {limit if f.rule == RULE.name else 'the worst real model'}"
        for f in findings
    ]
    notes = []
    worst = min(real, key=lambda name: real[name], default=None)
    best = max((result.bounds.mean for result in results if result.verdicts), default=None)
    margin = None if worst is None or best is None else real[worst] - best
    if margin is None:
        notes.append("this judge has no verdicts on real models against this baseline: there is no margin to report")
    elif margin <= 0:
        notes.append(f"{worst} wins {real[worst or '']:.1%}, no more than a null model: its place means nothing")
    report = make_report("null-models", findings, (RULE, REAL), notes)
    details: dict[str, Any] = {
        "null_win_rate": max((result.bounds.upper for result in results), default=1.0),
        "worst_real_model": worst,
        "margin": margin,
        "gate": asdict(gate),
        "verdicts": sum(result.verdicts for result in results),
        "entrants": [_entrant(result, gate) for result in results],
    }
    return AuditReport(report.audit, report.findings, tuple(failures), report.notes, report.rules, details)


def _findings(results: Sequence[EntrantResult], gate: Gate, real: Mapping[str, float]) -> Iterator[Finding]:
    failed = any(result.decided(gate) is False for result in results)
    for result in results:
        bounds, decision = result.bounds, result.decided(gate)
        value = bounds.mean if result.verdicts else 0.0
        if decision is False or (decision is None and not failed):
            severity = Severity.HIGH if decision is False else Severity.MEDIUM
            yield Finding(result.name, severity, RULE.name, (), value, bounds.lower, bounds.upper)
        elif real and bounds.lower > min(real.values()):
            yield Finding(result.name, Severity.HIGH, REAL.name, (), value, bounds.lower, bounds.upper)


def _how(finding: Finding) -> str:
    return "above" if finding.severity is Severity.HIGH else "not shown to be below"


def _entrant(result: EntrantResult, gate: Gate) -> dict[str, Any]:
    decision = {True: "below", False: "above", None: "undecided"}[result.decided(gate)]
    return {
        "name": result.name,
        "about": result.about,
        "win_rate": result.bounds.mean,
        "lower": result.bounds.lower,
        "upper": result.bounds.upper,
        "by_order": dict(result.by_order),
        "instructions": result.bounds.count,
        "verdicts": result.verdicts,
        "gate": decision,
    }
