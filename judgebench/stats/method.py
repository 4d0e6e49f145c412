"""What every method of ranking takes and gives: choices and a table in, one estimate a model out.

Nothing is computed here and no numeric library is loaded, so that help texts and screens can name the choices at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from judgebench.stats.verdict_table import Floats
    from judgebench.stats.win_rate import WinRates

Scale = Literal["rate", "elo", "logit", "score"]
Cluster = Literal["instruction", "judge", "both", "verdict"]  # what verdicts share
Join = Literal["instruction", "position"]  # of a battle with the difficulty of its instruction
Jury = Literal["majority", "mean"]  # how several judges become one
IntervalMethod = Literal["analytic", "bootstrap"]
LEVELS: Final = (0.5, 0.999)  # of confidence, the least and the most that may be asked for
USUAL_METHOD: Final = "win-rate"  # at every door where none is chosen, so that pages agree


@dataclass(frozen=True, slots=True)
class Choices:
    """How to rank. ``scale`` None: the method's usual one."""

    method: str = USUAL_METHOD  # a name in ``leaderboard.methods.METHODS``
    baseline: str | None = None  # None: the one model that took part in every battle, else the field
    scale: Scale | None = None
    level: float = 0.95
    interval: IntervalMethod = "analytic"
    resamples: int = 1000
    seed: int = 0
    cluster: Cluster = "instruction"  # for analytic intervals of methods that offer others
    join: Join | None = (
        None  # length control; None: by position for AlpacaEval's judge and baseline, else by instruction
    )
    margin: float | None = None  # rank by what pointwise scores amount to; a tie where they differ by this or less
    jury: Jury | None = None  # rank by what several judges amount to; None: their verdicts pooled


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """What ranks are told by: estimates that may differ a little from those shown, and how surely they are known."""

    value: "Floats"  # (k,)
    covariance: "Floats"  # (k, k) NaN for a model that cannot be told from others
    degrees: "Floats"  # (k,) of freedom behind a model's variance; infinite: known exactly, or by very many
    chance: "Floats | None" = None  # (k, k) of as large a difference between equal models; NaN, None: not known


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Aligned to the table's models, on ``scale``; NaN for a model that the method cannot rank."""

    value: "Floats"
    lower: "Floats"
    upper: "Floats"
    covariance: "Floats"
    flags: Sequence[str]  # "" or why the value is not what the method usually gives
    method: str  # of the intervals
    scale: Scale
    compared: Compared | None = None  # None: by value and covariance, as if very many instructions were behind them
    notes: tuple[str, ...] = ()  # what a reader must know to read the values right
    rates: "WinRates | None" = None  # where the method counts battles itself
