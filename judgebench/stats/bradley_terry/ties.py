"""What a verdict's three outcomes have to do with a difference in strength: three answers to "what is a tie?".

``half`` is the logistic with a tie as half a win (no tie parameter). ``davidson`` (Davidson 1970): win, tie, loss in
proportion to exp(x/2), nu, exp(-x/2). ``rao_kupper`` (Rao and Kupper 1967): P(win) = 1 / (1 + eta exp(-x)), P(loss)
likewise with -x, a tie is the rest. The tie parameter u is log nu, or log(eta^2 - 1): any real number, in which both
log-likelihoods are concave. A soft preference y counts as |2y - 1| of a win or loss and the rest of a tie.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, log_expit, softmax

from judgebench.stats.verdict_table import Floats

TieRule = Literal["half", "davidson", "rao_kupper"]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """(n,) masses of win, tie and loss for A; they sum to 1."""

    win: Floats
    tie: Floats
    loss: Floats

    @classmethod
    def of(cls, preference: Floats) -> "Outcomes":
        lean = 2 * preference - 1
        return cls(np.maximum(lean, 0.0), 1 - np.abs(lean), np.maximum(-lean, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """(n,) log-likelihood of each row and minus its derivatives, signs as in an information matrix."""

    value: Floats
    score_x: Floats  # first derivatives
    score_u: Floats
    info_xx: Floats  # minus second derivatives
    info_xu: Floats
    info_uu: Floats


def half(x: Floats, u: float | Floats, y: Outcomes) -> Pieces:
    """A tie as half a win; ``u`` is not used."""
    win, p = y.win + y.tie / 2, expit(x)
    none = np.zeros_like(x)
    value = win * log_expit(x) + (1 - win) * log_expit(-x)
    return Pieces(value, win - p, none, p * (1 - p), none, none)


def davidson(x: Floats, u: float | Floats, y: Outcomes) -> Pieces:
    """``u`` = log nu."""
    logits = np.stack([x / 2, np.broadcast_to(u, x.shape), -x / 2])
    win, tie, loss = softmax(logits, axis=0)
    top = logits.max(axis=0)
    value = y.win * logits[0] + y.tie * u + y.loss * logits[2] - top - np.log(np.exp(logits - top).sum(axis=0))
    lean = win - loss
    return Pieces(
        value,
        (y.win - y.loss - lean) / 2,
        y.tie - tie,
        (win + loss - lean**2) / 4,
        -tie * lean / 2,
        tie * (1 - tie),
    )


def rao_kupper(x: Floats, u: float, y: Outcomes) -> Pieces:
    """``u`` = log(eta^2 - 1), so log eta = log(1 + e^u) / 2."""
    threshold, rate = np.logaddexp(0.0, u) / 2, expit(u)
    ahead, behind = x - threshold, -x - threshold
    not_loss, not_win = y.win + y.tie, y.loss + y.tie
    value = not_loss * log_expit(ahead) + not_win * log_expit(behind) + y.tie * u
    pull_up, pull_down = not_loss * expit(-ahead), not_win * expit(-behind)
    bend_up, bend_down = pull_up * expit(ahead), pull_down * expit(behind)
    return Pieces(
        value,
        pull_up - pull_down,
        y.tie - (pull_up + pull_down) * rate / 2,
        bend_up + bend_down,
        (bend_down - bend_up) * rate / 2,
        (bend_up + bend_down) * rate**2 / 4 + (pull_up + pull_down) * rate * (1 - rate) / 2,
    )


RULES: dict[str, Callable[[Floats, float, Outcomes], Pieces]] = {
    "half": half,
    "davidson": davidson,
    "rao_kupper": rao_kupper,
}


def tie_parameter(rule: TieRule, u: float) -> float:
    """nu of Davidson, eta of Rao and Kupper; NaN for ``half``."""
    if rule == "davidson":
        return float(np.exp(u))
    return float(np.exp(np.logaddexp(0.0, u) / 2)) if rule == "rao_kupper" else float("nan")
