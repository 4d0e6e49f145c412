"""Rules about a submission that need a judge's answers: does it keep its wins when its outputs are exchanged between
instructions, and how probable are its outputs to a local model?

Nothing is asked here. The permutation test is that of Zheng et al. 2025: a model that answers loses its wins when its
outputs go to other instructions, and one whose output ignores the instruction keeps them. A judge that lets exchanged
outputs win whoever wrote them says nothing about a submission: its findings are then at most medium.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from judgebench.audits.findings import Finding, Rule, Severity, mean_estimate
from judgebench.audits.rules.comparison import median_interval
from judgebench.stats.verdict_table import Floats

PERMUTED = Rule(
    "wins-when-exchanged",
    "Win rate against the baseline of the model's own outputs, each shown under another instruction, over the same "
    "instructions. High where the interval lies above 10 % and above half of the model's win rate with its outputs in "
    "place, and the baseline's own outputs, exchanged in the same way, do not win; medium where these win too.",
)


LIKELIHOOD = Rule(
    "likelihood-outlier",
    "Median over instructions of the output's log-likelihood a token, to a local model after the instruction, less the "
    "median of the other models', in nats. Low where the interval lies beyond 1 on either side, medium beyond 2.5; "
    "from 10 instructions and three other models on. Text that no model would write is far below, text that repeats "
    "itself far above.",
)


RULES = (PERMUTED, LIKELIHOOD)


_GATE, _KEPT = 0.1, 0.5


_LOW, _MEDIUM, _LEAST, _OTHERS = 1.0, 2.5, 10, 3


def permuted_finding(model: str, exchanged: Floats, in_place: Floats, control: Floats) -> Finding | None:
    """``exchanged``, ``in_place`` and ``control`` hold one mean preference an instruction: for the model's exchanged
    outputs, for its outputs in place, and for the baseline's exchanged outputs."""
    if len(exchanged) < 2 or not len(in_place):
        return None
    lower, upper = mean_estimate(exchanged).ends
    if not lower > max(_GATE, _KEPT * float(in_place.mean())):
        return None
    fooled = len(control) > 1 and mean_estimate(control).ends[0] > _GATE
    severity = Severity.MEDIUM if fooled else Severity.HIGH
    return Finding(model, severity, PERMUTED.name, (), float(exchanged.mean()), max(0.0, lower), min(1.0, upper))


def likelihood_findings(by_model: Mapping[str, Mapping[str, float]], chosen: Sequence[str]) -> list[Finding]:
    """``by_model`` holds the log-likelihood a token of each model's output, by instruction."""
    found = []
    for model in chosen:
        others = [each for name, each in by_model.items() if name != model]
        if len(others) < _OTHERS:
            continue
        gaps = np.array(
            [
                value - float(np.median([each[key] for each in others if key in each]))
                for key, value in by_model.get(model, {}).items()
                if any(key in each for each in others)
            ]
        )
        if len(gaps) < _LEAST:
            continue
        value, lower, upper = median_interval(gaps)
        beyond = max(lower, -upper)
        if beyond > _LOW:
            severity = Severity.MEDIUM if beyond > _MEDIUM else Severity.LOW
            found.append(Finding(model, severity, LIKELIHOOD.name, (), value, lower, upper))
    return found
