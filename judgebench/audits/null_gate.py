"""The gate that a judge must pass: no null model may win against it, and how that is told from few verdicts.

Bounds hold at every stop (``sequential``), whichever entrant is asked about next, so the audit follows the entrant that
wins most and ends as soon as the gate is decided. Against real models the gate takes the win rate of the worst of them
that can be told from a null model at all: one that never wins cannot, by any number of verdicts, and is named instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from judgebench.audits import NULL_MODELS
from judgebench.audits.findings import AuditReport, Finding, FindingRule, Severity, make_report
from judgebench.estimate import Estimate
from judgebench.stats.adaptive import Bounds, running_bounds

RULE = FindingRule(
    "null-win-rate",
    "Win rate of an output that ignores its instruction against the baseline, an instruction counting once by the mean "
    "of its verdicts. High when its lower bound is above the gate; medium when the upper bound never came below it.",
)
REAL = FindingRule(
    "above-real-model",
    "Win rate of an output that ignores its instruction beside that of the worst real model against the same baseline "
    "by the same judge. High when its lower bound is above that; medium when its upper bound never came below it.",
)
CONTROL = "shuffled"  # the entrant that wins by half of the instructions, if at all, so one is not enough to see it
_LADDER = (1, 5, 10, 15, 20, 25, 30, 35, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800)
_CHANCE = 25  # instructions after which an entrant is left undecided where another one has failed the gate
_CONTROL_CHANCE = 8  # instructions that the control gets in any case


@dataclass(frozen=True, slots=True)
class NullGate:
    """What a judge must show. ``error`` bounds the chance of passing a judge that ought to fail, and of the reverse."""

    fail_above: float = 0.1  # win rate in [0, 1] that no entrant may reach
    error: float = 0.05
    worst_real: float | None = None  # win rate of the worst real model; None: none, or none that can be told from 0

    @property
    def limit(self) -> float:
        """The win rate that every entrant must stay below."""
        return self.fail_above if self.worst_real is None else min(self.fail_above, self.worst_real)


@dataclass(frozen=True, slots=True)
class EntrantResult:
    """One entrant against the baseline; bounds hold whenever the audit stopped."""

    name: str
    about: str
    bounds: Bounds
    by_order: Mapping[str, float | None]  # mean preference when shown "first" and "second"; None: never shown so
    verdicts: int
    score: Estimate | None = None  # a pointwise judge's mean score

    def decided(self, gate: NullGate) -> bool | None:
        """True: below the gate; False: above it; None: not known yet."""
        if self.bounds.upper < gate.limit or gate.limit >= 1.0:
            return True
        return False if self.bounds.lower > gate.limit else None

    def suspect(self, gate: NullGate) -> bool:
        """Whether it has won more than the gate allows so far, and no more is known."""
        return self.decided(gate) is None and self.bounds.count > 0 and self.bounds.mean > gate.limit


@dataclass(frozen=True, slots=True)
class Seen:
    """One verdict on an entrant."""

    instruction: str  # key
    first: bool | None  # whether the entrant was shown first; None: by itself
    preference: float  # for the entrant


def measure(
    name: str, about: str, seen: Sequence[Seen], gate: NullGate, *, entrants: int, population: int | None = None
) -> EntrantResult:
    """An entrant's result; ``seen`` comes in the order in which instructions were drawn from ``population`` of them.

    An instruction counts once, by the mean of its verdicts. Passing needs every entrant, so its error is not divided;
    one of many is enough to fail, so that error is divided by ``entrants``.
    """
    by_instruction: dict[str, list[float]] = {}
    for verdict in seen:
        by_instruction.setdefault(verdict.instruction, []).append(verdict.preference)
    means = [float(np.mean(values)) for values in by_instruction.values()]
    errors = {"lower_error": gate.error / max(entrants, 1), "upper_error": gate.error}
    bounds = running_bounds(means, **errors, population=population)
    places = {
        name: [verdict.preference for verdict in seen if verdict.first is first]
        for name, first in (("first", True), ("second", False))
    }
    by_order = {name: float(np.mean(values)) if values else None for name, values in places.items()}
    return EntrantResult(name, about, bounds, by_order, len(seen))


def next_round(
    results: Sequence[EntrantResult], sizes: Mapping[str, int], gate: NullGate, *, most: int, everyone: bool = False
) -> dict[str, int]:
    """How many instructions each entrant is to have seen next; empty when the audit is over.

    ``sizes`` holds how many each has seen. The entrant that wins most goes ahead until it is decided. Once one has
    failed the gate, only those that also win are followed, up to 25 instructions, unless ``everyone`` is to be decided.
    """
    open_ = [result for result in results if result.decided(gate) is None and sizes.get(result.name, 0) < most]
    if not all(sizes.get(result.name, 0) for result in open_):
        return {result.name: _LADDER[0] for result in open_ if not sizes.get(result.name, 0)}
    suspects = [result for result in open_ if result.suspect(gate)]
    failed = any(result.decided(gate) is False for result in results)
    if failed and not everyone:
        chances = {result.name: _CHANCE for result in suspects} | {
            result.name: _CONTROL_CHANCE for result in open_ if result.name == CONTROL and result not in suspects
        }
        return {name: _step(sizes[name], min(chance, most)) for name, chance in chances.items() if sizes[name] < chance}
    if suspects and not failed:
        leader = max(suspects, key=lambda result: result.bounds.mean)
        return {leader.name: _step(sizes[leader.name], most)}
    return {result.name: _step(sizes[result.name], most) for result in open_}


def resolution(gate: NullGate, most: int, population: int | None) -> float:
    """The smallest win rate that a null model without any win can be told from by ``most`` instructions."""
    return running_bounds([0.0] * most, lower_error=gate.error, upper_error=gate.error, population=population).upper


def gate_report(results: Sequence[EntrantResult], gate: NullGate, real: Mapping[str, float]) -> AuditReport:
    """The audit's report. ``real`` holds the win rates of real models against the same baseline by the same judge."""
    findings = list(_findings(results, gate))
    limits = {RULE.name: f"{gate.fail_above:.0%}", REAL.name: f"the worst real model's {gate.worst_real or 0:.1%}"}
    failures = [f"{f.model}: its win rate {f.estimate.value or 0:.1%} is {_how(f)} {limits[f.rule]}" for f in findings]
    worst = min(real, key=lambda name: real[name], default=None)
    best = max((result.bounds.mean for result in results if result.verdicts), default=None)
    margin = None if worst is None or best is None else real[worst] - best
    report = make_report(NULL_MODELS, findings, (RULE, REAL), _notes(gate, real, margin))
    details: dict[str, Any] = {
        "null_win_rate": max((result.bounds.upper for result in results), default=1.0),
        "worst_real_model": worst,
        "margin": margin,
        "gate": asdict(gate),
        "verdicts": sum(result.verdicts for result in results),
        "entrants": [_entrant(result, gate) for result in results],
    }
    return AuditReport(report.audit, report.findings, tuple(failures), report.notes, report.rules, details)


def _step(seen: int, most: int) -> int:
    return min(next((size for size in _LADDER if size > seen), seen + 200), most)


def _notes(gate: NullGate, real: Mapping[str, float], margin: float | None) -> list[str]:
    if margin is None:
        return ["this judge has no verdicts on real models against this baseline: there is no margin to report"]
    below = [name for name, rate in sorted(real.items()) if gate.worst_real is None or rate < gate.worst_real]
    return [
        f"{name} wins {real[name]:.1%}, too little to tell it from a null model: its place means nothing"
        for name in below
    ]


def _findings(results: Sequence[EntrantResult], gate: NullGate) -> Iterator[Finding]:
    failed = any(result.decided(gate) is False for result in results)
    for result in results:
        bounds, decision = result.bounds, result.decided(gate)
        if decision or (decision is None and failed):
            continue
        value = bounds.mean if result.verdicts else 0.0
        if decision is False:
            severity, rule = Severity.HIGH, RULE if bounds.lower > gate.fail_above else REAL
        else:
            severity, rule = Severity.MEDIUM, RULE if bounds.upper >= gate.fail_above else REAL
        level = 1.0 - bounds.lower_error - bounds.upper_error
        rate = Estimate(value, bounds.lower, bounds.upper, level, "betting, at every stop", bounds.count)
        yield Finding(result.name, severity, rule.name, (), rate)


def _how(finding: Finding) -> str:
    return "above" if finding.severity is Severity.HIGH else "not shown to be below"


def _entrant(result: EntrantResult, gate: NullGate) -> dict[str, Any]:
    decision = {True: "below", False: "above", None: "undecided"}[result.decided(gate)]
    score = result.score and {"mean": result.score.value, "lower": result.score.lower, "upper": result.score.upper}
    return {
        "name": result.name,
        "about": result.about,
        "win_rate": result.bounds.mean,
        "lower": result.bounds.lower,
        "upper": result.bounds.upper,
        "by_order": dict(result.by_order),
        "instructions": result.bounds.count,
        "verdicts": result.verdicts,
        "score": score,
        "gate": decision,
    }
