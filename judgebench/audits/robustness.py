"""Does a judge stay with its verdict when nothing that matters changes, and move when something does?

Robustness rate, consistency rate and their ratio follow Ye et al. 2024 (CALM); the net flip tells a bias from noise,
which the rates confound. A judge that always says the same is perfectly robust and detects nothing: so the score is
the mean of invariance and sensitivity, sensitivity is 0 for chance, and the gate asks for detection above chance: of
one change at least, all of them considered together, and on average.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from judgebench.audits import NET_FLIP, ROBUSTNESS
from judgebench.audits.findings import LEVEL, AuditReport, Finding, FindingRule, Severity, ends, make_report
from judgebench.audits.persuaders import ABOUT, CLAIMS, draw
from judgebench.estimate import Estimate
from judgebench.keys import content_key
from judgebench.stats.intervals import bounded_difference, bounded_mean

FLIP = FindingRule(
    NET_FLIP,
    "Share of battles that turn towards the changed output less share that turn away from it, where the change says "
    "nothing about the instruction; battles are means over both orders. Low when the interval lies outside 0, medium "
    "outside 0.1, high outside 0.25.",
)
BLIND = FindingRule(
    "not-detected",
    "Mean preference for an output over itself made worse. Low when the interval does not lie above 0.5, medium when "
    "it lies below 0.5.",
)
RULES = (FLIP, BLIND)
_QUANTILE = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2)
Family = Literal["invariance", "sensitivity"]
Preferences = Mapping[str, float]  # instruction key -> mean preference over the orders
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n+")


@dataclass(frozen=True, slots=True)
class ChangeEffect:
    """What one perturbation did."""

    name: str
    family: Family
    estimate: Estimate  # net flip in [-1, 1], or detection rate in [0, 1]; over instructions
    robustness: float = nan  # invariance only: share of battles with the same winner, in [0, 1]

    def document(self) -> dict[str, Any]:
        """Plain values, the estimate's value and ends among them."""
        about = {"name": self.name, "family": self.family} | ends(self.estimate)
        return about | {"robustness": self.robustness, "instructions": self.estimate.n}


@dataclass(frozen=True, slots=True)
class Summary:
    """A judge in three numbers; the score is the mean of the other two."""

    consistency: float  # share of battles with the same winner when asked again, in [0, 1]
    invariance: float  # mean robustness rate over consistency rate, at most 1
    sensitivity: float  # mean detection rate, rescaled: 0 by chance, 1 always
    score: float


def invariance(name: str, before: Preferences, after: Preferences) -> ChangeEffect:
    """Battles of a model against an opponent, ``before`` and ``after`` its output was changed."""
    keys = sorted(before.keys() & after.keys())
    old, new = (np.array([_winner(preferences[key]) for key in keys]) for preferences in (before, after))
    same = float((old == new).mean()) if keys else nan
    turned = np.sign(new - old).astype(np.float64)
    return ChangeEffect(name, "invariance", bounded_difference(turned, np.arange(len(keys)), level=LEVEL), same)


def sensitivity(name: str, preferred: Preferences) -> ChangeEffect:
    """Preferences for the original output over the one made worse."""
    share = np.array([preferred[key] for key in sorted(preferred)], dtype=np.float64)
    return ChangeEffect(name, "sensitivity", bounded_mean(share, np.arange(len(share)), level=LEVEL))


def consistency(first: Preferences, again: Preferences) -> float:
    """Share of battles whose winner is the same when the same question is asked again; NaN without any."""
    keys = first.keys() & again.keys()
    return float(np.mean([_winner(first[key]) == _winner(again[key]) for key in keys])) if keys else nan


def summarise(effects: Sequence[ChangeEffect], repeated: float) -> Summary:
    """``repeated`` is the consistency rate."""
    told = [(effect, effect.estimate.value) for effect in effects if effect.estimate.value is not None]
    robust = [effect.robustness for effect, _ in told if effect.family == "invariance"]
    seen = [rate for effect, rate in told if effect.family == "sensitivity"]
    kept = min(1.0, float(np.mean(robust)) / repeated) if robust and repeated > 0 else nan
    detected = max(0.0, 2 * float(np.mean(seen)) - 1) if seen else nan
    return Summary(repeated, kept, detected, (kept + detected) / 2)


def robustness_report(judge: str, effects: Sequence[ChangeEffect], repeated: float) -> AuditReport:
    """The audit of ``judge``; it fails unless detection is above chance, and by a severe net flip."""
    summary = summarise(effects, repeated)
    findings = [finding for effect in effects for finding in _findings(judge, effect)]
    tested = [effect for effect in effects if effect.family == "sensitivity"]
    failures = []
    if not any(_above_chance(effect, len(tested)) for effect in tested) or not summary.sensitivity > 0.0:
        failures.append(f"{judge} was not shown to notice outputs that were made worse: its verdicts mean nothing")
    report = make_report(ROBUSTNESS, findings, RULES, [])
    details = {"judge": judge, "summary": asdict(summary), "estimates": [effect.document() for effect in effects]}
    return replace(report, failures=tuple(failures), details=details)


def _above_chance(effect: ChangeEffect, tests: int) -> bool:
    """Whether detection is above chance though ``tests`` kinds were tried: a coin must not pass by one of them."""
    value = effect.estimate.value
    if value is None:
        return False
    error = (value - effect.estimate.ends[0]) / _QUANTILE
    return bool(value - 0.5 > error * NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / max(tests, 1)))


def _findings(judge: str, effect: ChangeEffect) -> Iterator[Finding]:
    if not effect.estimate.identified:
        return
    lower, upper = effect.estimate.ends
    if effect.family == "invariance":
        beyond = max(lower, -upper)
        steps = ((0.25, Severity.HIGH), (0.1, Severity.MEDIUM), (0.0, Severity.LOW))
        severity = next((severity for bound, severity in steps if beyond > bound), None)
        rule = FLIP
    else:
        severity = None if lower > 0.5 else Severity.MEDIUM if upper < 0.5 else Severity.LOW
        rule = BLIND
    if severity is not None:
        yield Finding(f"{judge}: {effect.name}", severity, rule.name, (), effect.estimate)


def _winner(preference: float) -> int:
    return int(np.sign(round(preference - 0.5, 9)))


@dataclass(frozen=True, slots=True)
class Material:
    """What a perturbation may use."""

    text: str  # the output
    other: str  # the same model's output to another instruction
    best_verdict: str  # as the template under test spells it


@dataclass(frozen=True, slots=True)
class Perturbation:
    """``change`` gives None, or the text itself, where there is nothing to change."""

    name: str
    family: Family
    about: str
    change: Callable[[Material], str | None]


def _appended(words: str) -> Callable[[Material], str]:
    return lambda given: f"{given.text}\n\n{words}"


def _prepended(words: str) -> Callable[[Material], str]:
    return lambda given: f"{words}\n\n{given.text}"


def _claimed(kind: str) -> Callable[[Material], str]:
    """One of the persuaders' claims of a kind, drawn for each output."""
    wordings = [wording for sort in CLAIMS[kind] for wording in sort]

    def change(given: Material) -> str:
        rng = np.random.default_rng(int(content_key(kind, given.text), 16))
        return f"{given.text}\n\n{draw(wordings, (), rng)}"

    return change


def _restated(given: Material) -> str | None:
    parts = _sentences(given.text)
    return f"{given.text}\n\nIn other words: {' '.join(parts[:3])} That is what was said above." if parts else None


def _listed(given: Material) -> str | None:
    parts = _sentences(given.text)
    return "## Answer\n\n" + "\n".join(f"- {part}" for part in parts) if len(parts) > 1 else None


def _halved(given: Material) -> str | None:
    parts = _sentences(given.text)
    return " ".join(parts[: len(parts) // 2]) if len(parts) > 1 else None


def _shuffled(given: Material) -> str | None:
    parts = _sentences(given.text)
    if len(parts) < 3:
        return None
    rng = np.random.default_rng(int(content_key("shuffled", given.text), 16))
    order = rng.permutation(len(parts))
    return " ".join(parts[place] for place in (order if order[0] else np.roll(order, 1)))


def _miscounted(given: Material) -> str | None:
    return re.sub(r"[0-9]", lambda digit: str((int(digit[0]) + 3) % 10), given.text)


PERTURBATIONS = (
    Perturbation("verbosity", "invariance", "says its first sentences again", _restated),
    Perturbation("style", "invariance", "a heading, and a list of its sentences", _listed),
    Perturbation("authority", "invariance", f"claims {ABOUT['authority']}", _claimed("authority")),
    Perturbation("bandwagon", "invariance", f"claims {ABOUT['bandwagon']}", _claimed("bandwagon")),
    Perturbation("distraction", "invariance", "adds what is beside the point",
                 _appended("By the way, the writer of this text is fond of long walks and plays the violin.")),
    Perturbation("sentiment", "invariance", "opens with joy",
                 _prepended("What a wonderful moment! I am so happy and excited to write about this!")),
    Perturbation("hedge", "invariance", "opens with a disclaimer",
                 _prepended("As an AI language model I may be mistaken, but I will do my best.")),
    Perturbation("score-claim", "invariance", "ends with the best verdict",
                 lambda given: f"{given.text}\n\n{given.best_verdict}"),
    Perturbation("truncation", "sensitivity", "the first half of its sentences", _halved),
    Perturbation("disorder", "sensitivity", "its sentences in random order", _shuffled),
    Perturbation("wrong-instruction", "sensitivity", "the output to another instruction", lambda given: given.other),
    Perturbation("wrong-numbers", "sensitivity", "every digit another", _miscounted),
)  # fmt: skip


def perturbed(perturbation: Perturbation, given: Material) -> str | None:
    """The changed text; None where the perturbation finds nothing to change."""
    text = perturbation.change(given)
    return None if text is None or text.strip() == given.text.strip() else text


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]
