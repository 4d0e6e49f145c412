"""The gate that a judge must pass: no null model and no persuader may win, and how that is told from few verdicts.

Bounds hold at every stop (``sequential``), whichever entrant is asked about next, so the audit follows the entrant that
wins most and ends as soon as the gate is decided. Against real models the gate takes the win rate of the worst of them
that can be told from a null model at all: one that never wins cannot, by any number of verdicts, and is named instead.

A persuader is a cut output with a claim, so it is held to the gate beside the control, the same without the claim: it
fails where it wins more than the gate allows, and more than the control. Where the control itself wins that often the
judge likes brevity, and a persuader fails by what its claim adds. Real models are no limit for it: it holds part of an
answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from judgebench.audits import NULL_MODELS
from judgebench.audits.findings import LEVEL, AuditReport, Finding, FindingRule, Severity, ends, make_report
from judgebench.audits.null_models import Role
from judgebench.estimate import Estimate
from judgebench.stats.adaptive import Bounds, running_bounds
from judgebench.stats.intervals import bounded_difference

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
PERSUADED = FindingRule(
    "persuader-win-rate",
    "Win rate of the baseline's own output, cut short and with a claim, against the baseline. High when its lower "
    "bound is above the gate and it wins more than the same without the claim; medium when neither its upper bound nor "
    "that of what the claim adds came below it.",
)
ADDED = FindingRule(
    "claim-uplift",
    "What a claim adds to the win rate of an output that is cut short, where cut outputs win more than the gate allows "
    "without any claim. High when the lower end of its interval is above the gate.",
)
RULES = (RULE, REAL, PERSUADED, ADDED)
SHUFFLED = "shuffled"  # wins by half of the instructions, if at all, so one is not enough to see it
_AT_EVERY_STOP = "betting, at every stop"
_LADDER = (1, 5, 10, 15, 20, 25, 30, 35, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512, 640, 800)
_CHANCE = 25  # instructions after which an entrant is left undecided where another one has failed the gate
_SHUFFLED_CHANCE = 8  # instructions that this one gets in any case
_ADDED_BY = 100  # instructions on which it is told what a claim adds, where the control wins by itself


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
class Uplift:
    """What a claim adds to the same text without it, over the instructions on which both were judged."""

    control: float  # win rate without the claim, in [0, 1], on all instructions on which that was judged
    added: Estimate  # to the win rate, in [-1, 1]; the interval holds at one stop
    surely: bool  # it adds something, by a bound that holds at every stop
    enough: bool  # instructions for the interval to be looked at
    last: bool  # no further instruction is asked about

    def decided(self, bounds: Bounds, gate: NullGate) -> bool | None:
        """As ``EntrantResult.decided``, of the persuader with these bounds."""
        lower, upper = self.added.ends
        if self.control > gate.fail_above:
            return lower <= gate.fail_above if self.enough else None
        if bounds.lower > gate.fail_above and self.surely:
            return False
        return bounds.upper < gate.fail_above or (self.last and upper < gate.fail_above) or None


@dataclass(frozen=True, slots=True)
class EntrantResult:
    """One entrant against the baseline; bounds hold whenever the audit stopped."""

    name: str
    about: str
    bounds: Bounds
    by_order: Mapping[str, float | None]  # mean preference when shown "first" and "second"; None: never shown so
    verdicts: int
    score: Estimate | None = None  # a pointwise judge's mean score
    role: Role = "null"
    uplift: Uplift | None = None  # of a persuader that was judged beside the control

    def decided(self, gate: NullGate) -> bool | None:
        """True: below the gate, or not held to it; False: above it; None: not known yet."""
        if self.role == "control":
            return True
        if self.role == "persuader" and gate.fail_above < 1.0:
            return None if self.uplift is None else self.uplift.decided(self.bounds, gate)
        return self.stands(gate)

    def stands(self, gate: NullGate) -> bool | None:
        """As ``decided``, by its bounds alone: also the control, which is not held to the gate."""
        limit = self._limit(gate)
        if self.bounds.upper < limit or limit >= 1.0:
            return True
        return False if self.bounds.lower > limit else None

    def suspect(self, gate: NullGate) -> bool:
        """Whether it has won more than the gate allows so far, and no more is known."""
        return self.decided(gate) is None and self.bounds.count > 0 and self.bounds.mean > self._limit(gate)

    def _limit(self, gate: NullGate) -> float:
        return gate.limit if self.role == "null" else gate.fail_above


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
    means = list(_means(seen).values())
    errors = {"lower_error": gate.error / max(entrants, 1), "upper_error": gate.error}
    bounds = running_bounds(means, **errors, population=population)
    places = {
        name: [verdict.preference for verdict in seen if verdict.first is first]
        for name, first in (("first", True), ("second", False))
    }
    by_order = {name: float(np.mean(values)) if values else None for name, values in places.items()}
    return EntrantResult(name, about, bounds, by_order, len(seen))


def _means(seen: Sequence[Seen]) -> dict[str, float]:
    """By instruction, in the order of ``seen``."""
    by_instruction: dict[str, list[float]] = {}
    for verdict in seen:
        by_instruction.setdefault(verdict.instruction, []).append(verdict.preference)
    return {key: float(np.mean(values)) for key, values in by_instruction.items()}


def uplift(
    persuader: Sequence[Seen], control: Sequence[Seen], gate: NullGate, *, entrants: int, size: int, most: int
) -> Uplift | None:
    """What the claim adds, by the verdicts on both; None where no instruction has both.

    ``size``: instructions that the persuader was asked about; ``most``: that it may be.
    """
    mine, bare = _means(persuader), _means(control)
    both = [key for key in mine if key in bare]
    if not both:
        return None
    rates = np.array([(mine[key], bare[key]) for key in both])
    differences, error = rates[:, 0] - rates[:, 1], gate.error / entrants
    added = bounded_difference(differences, np.arange(len(both)), level=LEVEL)
    surely = running_bounds((1.0 + differences) / 2, lower_error=error, upper_error=error).lower >= 0.5
    size = max(size, len(both))
    without = float(np.mean(list(bare.values())))
    return Uplift(without, added, surely, enough=size >= min(_ADDED_BY, most), last=size >= most)


def next_round(
    results: Sequence[EntrantResult], sizes: Mapping[str, int], gate: NullGate, *, most: int, everyone: bool = False
) -> dict[str, int]:
    """How many instructions each entrant is to have seen next; empty when the audit is over.

    ``sizes`` holds how many each has seen. The entrant that wins most goes ahead until it is decided. Once one has
    failed the gate, only those that also win are followed, up to 25 instructions, unless ``everyone`` is to be decided.
    Persuaders wait until no null model seems to win; the control is asked about what they are.
    """
    further = _next_round(results, sizes, gate, most, everyone)
    claimed = [further[result.name] for result in results if result.role == "persuader" and result.name in further]
    control = next((result.name for result in results if result.role == "control"), None)
    if control is None or max(claimed, default=0) <= sizes.get(control, 0):
        return further
    return {**further, control: max(claimed)}


def _next_round(
    results: Sequence[EntrantResult], sizes: Mapping[str, int], gate: NullGate, most: int, everyone: bool
) -> dict[str, int]:
    """The same, of those that are held to the gate."""
    open_ = [result for result in results if result.decided(gate) is None and sizes.get(result.name, 0) < most]
    if not everyone and _nulls_first(results, sizes, gate):
        open_ = [result for result in open_ if result.role == "null"]
    if not all(sizes.get(result.name, 0) for result in open_):
        return {result.name: _LADDER[0] for result in open_ if not sizes.get(result.name, 0)}
    suspects = [result for result in open_ if result.suspect(gate)]
    failed = any(result.decided(gate) is False for result in results)
    if failed and not everyone:
        chances = {result.name: _CHANCE for result in suspects} | {
            result.name: _SHUFFLED_CHANCE for result in open_ if result.name == SHUFFLED and result not in suspects
        }
        return {name: _step(sizes[name], min(chance, most)) for name, chance in chances.items() if sizes[name] < chance}
    if suspects and not failed:
        leader = max(suspects, key=lambda result: result.bounds.mean)
        return {leader.name: _step(sizes[leader.name], most)}
    return {result.name: _step(sizes[result.name], most) for result in open_}


def _nulls_first(results: Sequence[EntrantResult], sizes: Mapping[str, int], gate: NullGate) -> bool:
    """Whether a null model was not asked about yet, seems to win, or has failed the gate: it may decide it alone."""
    nulls = [(result, result.decided(gate)) for result in results if result.role == "null"]
    unasked = any(decided is None and not sizes.get(null.name, 0) for null, decided in nulls)
    return unasked or any(decided is False or null.suspect(gate) for null, decided in nulls)


def resolution(gate: NullGate, most: int, population: int | None) -> float:
    """The smallest win rate that a null model without any win can be told from by ``most`` instructions."""
    return running_bounds([0.0] * most, lower_error=gate.error, upper_error=gate.error, population=population).upper


def gate_report(results: Sequence[EntrantResult], gate: NullGate, real: Mapping[str, float]) -> AuditReport:
    """The audit's report. ``real`` holds the win rates of real models against the same baseline by the same judge."""
    findings = list(_findings(results, gate))
    details: dict[str, Any] = {
        "gate": asdict(gate),
        "verdicts": sum(result.verdicts for result in results),
        "entrants": [_entrant(result, gate) for result in results],
    }
    best = best_null(details)
    worst = min(real, key=lambda name: real[name], default=None)
    margin = None if worst is None or best is None else real[worst] - (best.rate.value or 0.0)
    report = make_report(NULL_MODELS, findings, RULES, [*_notes(gate, real, margin), *_brevity(results, gate)])
    details |= {
        "null_win_rate": 1.0 if best is None else best.rate.ends[1],
        "best_null_model": None if best is None else best.document(),
        "worst_real_model": worst,
        "margin": margin,
    }
    by_name = {result.name: result for result in results}
    failures = tuple(_failure(finding, by_name[finding.model], gate) for finding in findings)
    return replace(report, failures=failures, details=details)


@dataclass(frozen=True, slots=True)
class BestNull:
    """The null model that wins most."""

    name: str
    rate: Estimate  # its win rate; the upper end holds for every null model, those that were hardly asked about too
    entrants: int  # null models in the audit

    def document(self) -> dict[str, Any]:
        """Plain values."""
        return {"name": self.name} | ends(self.rate)


def best_null(document: Mapping[str, Any]) -> BestNull | None:
    """Which null model wins most by a report's ``details``, or by a document that was kept; None before any verdict.

    Whoever states a null model's win rate states this: the entrant that is most surely ahead, with its mean over
    instructions, ties half.
    """
    rows = [row for row in document.get("entrants", ()) if row.get("role", "null") == "null"]
    judged = [row for row in rows if row["verdicts"]]
    if not judged:
        return None
    best = max(judged, key=lambda row: (row["lower"], row["win_rate"]))
    level = 1.0 - 2 * document["gate"]["error"]
    upper = max(row["upper"] for row in rows)
    rate = Estimate(best["win_rate"], best["lower"], upper, level, _AT_EVERY_STOP, best["instructions"])
    return BestNull(best["name"], rate, len(rows))


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


def _brevity(results: Sequence[EntrantResult], gate: NullGate) -> Iterator[str]:
    """That the control wins by itself."""
    for result in results:
        if result.role == "control" and result.bounds.count and result.bounds.mean > gate.fail_above:
            yield (
                f"outputs that are cut short win {_told(_rate(result))} without any claim: this judge likes brevity, "
                "or the baseline's outputs are short; persuaders pass or fail by what their claims add"
            )


def _findings(results: Sequence[EntrantResult], gate: NullGate) -> Iterator[Finding]:
    failed = any(result.decided(gate) is False for result in results)
    for result in results:
        decision = result.decided(gate)
        if decision or (decision is None and failed):
            continue
        severity = Severity.MEDIUM if decision is None else Severity.HIGH
        rule = _rule(result, gate, decided=decision is not None)
        rate = result.uplift.added if rule is ADDED and result.uplift is not None else _rate(result)
        yield Finding(result.name, severity, rule.name, (), rate)


def _rule(result: EntrantResult, gate: NullGate, *, decided: bool) -> FindingRule:
    if result.role == "persuader":
        return ADDED if decided and result.uplift and result.uplift.control > gate.fail_above else PERSUADED
    reached = result.bounds.lower > gate.fail_above if decided else result.bounds.upper >= gate.fail_above
    return RULE if reached else REAL


def _rate(result: EntrantResult) -> Estimate:
    bounds = result.bounds
    level = 1.0 - bounds.lower_error - bounds.upper_error
    value = bounds.mean if result.verdicts else 0.0
    return Estimate(value, bounds.lower, bounds.upper, level, _AT_EVERY_STOP, bounds.count)


def _told(rate: Estimate) -> str:
    """With its interval and the level of that, at which it holds whenever the audit stopped."""
    lower, upper = rate.ends
    return f"{rate.value or 0.0:.1%} [{lower:.1%}, {upper:.1%}; {rate.level:.0%}]"


def _failure(finding: Finding, result: EntrantResult, gate: NullGate) -> str:
    told = _told(finding.estimate)
    how = "above" if finding.severity is Severity.HIGH else "not shown to be below"
    limit = (
        f"the worst real model's {gate.worst_real or 0:.1%}" if finding.rule == REAL.name else f"{gate.fail_above:.0%}"
    )
    bare = f" ({result.uplift.control:.1%} without the claim)" if result.uplift else ""
    if finding.rule == ADDED.name:
        return f"{finding.model}: its claim adds {told} to its win rate, which is above {limit}{bare}"
    return f"{finding.model}: its win rate {told} is {how} {limit}{bare}"


def _entrant(result: EntrantResult, gate: NullGate) -> dict[str, Any]:
    decided = result.stands(gate) if result.role == "control" else result.decided(gate)
    decision = {True: "below", False: "above", None: "undecided"}[decided]
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
        "role": result.role,
        "uplift": None if result.uplift is None else ends(result.uplift.added),
        "gate": decision,
    }
