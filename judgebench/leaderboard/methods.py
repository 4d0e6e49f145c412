"""The methods of ranking: each turns verdicts into one estimate a model with its interval, on the method's scale.

Win rates (``stats.win_rate``), the same at equal length (``stats.length_control``), Bradley-Terry with ties as half
wins (``stats.bradley_terry``) or modelled (``stats.contextual``: Davidson, Rao-Kupper), with terms for each judge
(``stats.judge_model``), online Elo (``stats.elo``).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.leaderboard.board import Choices, Scale
from judgebench.stats.bootstrap import bootstrap_ratings, bootstrap_win_rates
from judgebench.stats.bradley_terry import Ratings, fit_bradley_terry
from judgebench.stats.bradley_terry.covariates import fit_contextual
from judgebench.stats.bradley_terry.separation import connectivity
from judgebench.stats.bradley_terry.ties import TieRule
from judgebench.stats.elo import shuffled_elo
from judgebench.stats.intervals import critical_value, rate_estimate
from judgebench.stats.judge_model import Effect, fit_judge_model
from judgebench.stats.length_control import FEWEST_MODELS, controlled_win_rates
from judgebench.stats.length_control.empirical_prior import empirical_prior
from judgebench.stats.length_control.likelihood import Comparisons, compare_to_baseline
from judgebench.stats.length_control.prior import ALPACA_EVAL
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable
from judgebench.stats.win_rate import WinRates, win_rates

ELO_PER_LOGIT = 400 / math.log(10)


ELO_ORIGIN = 1000.0


_ALPACA_EVAL = ("weighted_alpaca_eval_gpt4_turbo", "gpt4_1106_preview")  # whose prior control_prior.ALPACA_EVAL is


_SHARED = {
    "instruction": "clustered by instruction",
    "judge": "clustered by judge",
    "both": "clustered by instruction and by judge",
    "verdict": "verdicts taken as independent",
}


_BY_POSITION = (
    "difficulties are joined by row position, as in AlpacaEval's published numbers, which shifts them for models that "
    "miss instructions; --join instruction does not"
)


_HELD_BY_PRIOR = (
    "what is called undefeated, winless or separated is held by the prior alone: its interval leaves out what the "
    "prior cannot know"
)


_UNBROKEN = "intervals of undefeated and winless models hold Wilson's for their win rate: refits to the same wins agree"


_ENOUGH = 10  # judges, below which a sandwich clustered by them is too narrow


_MOST_REFITS = 200  # beyond, intervals of length-controlled rates hardly change and take long


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Aligned to the table's models, on ``scale``."""

    value: Floats
    lower: Floats
    upper: Floats
    covariance: Floats
    flags: Sequence[str]
    method: str  # of the intervals
    scale: Scale
    notes: tuple[str, ...] = ()
    rates: WinRates | None = None  # where the method is to count them


def estimate(table: VerdictTable, choices: Choices, *, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """Raises StatisticsError when the choices do not fit together or a fit does not converge."""
    if choices.cluster != "instruction" and choices.method != "bradley-terry":
        raise StatisticsError(f"{choices.method} clusters by instruction: only bradley-terry offers others")
    if choices.method not in _METHODS:
        raise StatisticsError(f"preferences have no {choices.method}: rank them by {', '.join(_METHODS)}")
    find, scales = _METHODS[choices.method]
    if choices.scale is not None and choices.scale not in scales:
        raise StatisticsError(f"{choices.method} has no {choices.scale} scale: choose {' or '.join(scales)}")
    return on_scale(find(table, choices, baseline, rng), choices)


def on_scale(found: Estimates, choices: Choices) -> Estimates:
    """Ratings on the scale that was chosen; the Elo scale where none was."""
    return _on_elo_scale(found) if found.scale == "logit" and choices.scale in (None, "elo") else found


def to_elo(theta: Floats) -> Floats:
    """Natural log-odds on the Elo scale: 400 / ln 10 a unit, around 1000."""
    return ELO_ORIGIN + ELO_PER_LOGIT * theta


def _on_elo_scale(found: Estimates) -> Estimates:
    return replace(
        found,
        value=to_elo(found.value),
        lower=to_elo(found.lower),
        upper=to_elo(found.upper),
        covariance=found.covariance * ELO_PER_LOGIT**2,
        scale="elo",
    )


def _win_rate(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    rates = win_rates(table, baseline=baseline)
    if choices.interval == "bootstrap":
        drawn = bootstrap_win_rates(table, baseline=baseline, level=choices.level, resamples=choices.resamples, rng=rng)
        lower, upper, method = drawn.lower, drawn.upper, drawn.method
    else:
        errors = rates.standard_error
        spans = [
            rate_estimate(rate, se, units, choices.level)
            for rate, se, units in zip(rates.rate, errors, rates.battles.tolist(), strict=True)
        ]
        lower, upper = np.array([(span.lower, span.upper) for span in spans], dtype=np.float64).reshape(-1, 2).T
        method = "Wilson, clustered by instruction"
    return Estimates(
        value=rates.rate,
        lower=lower,
        upper=upper,
        covariance=rates.covariance,
        flags=[""] * len(table.models),
        method=method,
        scale="rate",
        rates=rates,
    )


def _length_controlled(
    table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator
) -> Estimates:
    if baseline is None:
        raise StatisticsError("length control compares with one model: name it by --baseline")
    data = compare_to_baseline(table, baseline=baseline)
    judges = tuple(table.judges[code] for code in np.unique(table.judge))
    published = (*judges, baseline) == _ALPACA_EVAL
    if not published and (data.weight.sum(axis=1) > 0).sum() < FEWEST_MODELS:
        raise StatisticsError(f"length control needs {FEWEST_MODELS} models that met the baseline to learn from")
    prior = ALPACA_EVAL if published else empirical_prior(data)
    by_position = published if choices.join is None else choices.join == "position"
    rates = controlled_win_rates(
        data,
        prior=prior,
        order=table.arrival if by_position else None,
        level=choices.level,
        resamples=min(choices.resamples, _MOST_REFITS),
        rng=rng,
    )
    learned = "AlpacaEval's judge and baseline" if published else "these models, which a gamed one among few can bend"
    place = [rates.models.index(name) if name in rates.models else -1 for name in table.models]
    value, lower, upper = (_aligned(column, place) for column in (rates.rate, rates.lower, rates.upper))
    covariance = np.full((len(place), len(place)), np.nan)
    there = np.array(place) >= 0
    span, flags = _unbroken(table, choices, baseline)
    covariance[np.ix_(there, there)] = rates.covariance[np.ix_(np.array(place)[there], np.array(place)[there])]
    return Estimates(
        value=value,
        lower=np.fmin(lower, span[0]),
        upper=np.fmax(upper, span[1]),
        covariance=covariance,
        flags=flags,
        method=rates.method,
        scale="rate",
        notes=(
            f"win rates as they would be at equal length; slopes are held by a prior from {learned}",
            *((_UNBROKEN,) if any(flags) else ()),
            *([_BY_POSITION] if by_position and table.arrival is not None and _incomplete(data) else []),
        ),
    )


def _unbroken(table: VerdictTable, choices: Choices, baseline: str) -> tuple[tuple[Floats, Floats], list[str]]:
    """Wilson's interval of models that always or never beat the baseline, else NaN; and what to call them.

    Their rate at equal length rests on the prior, and a refit to the same wins differs by nothing.
    """
    rates = win_rates(table, baseline=baseline)
    lower, upper = np.full_like(rates.rate, np.nan), np.full_like(rates.rate, np.nan)
    names = {0.0: "winless", 1.0: "undefeated"}
    for at in np.flatnonzero(np.isin(rates.rate, list(names))):
        known = rate_estimate(float(rates.rate[at]), 0.0, int(rates.battles[at]), choices.level)
        lower[at], upper[at] = known.lower, known.upper
    return (lower, upper), [names.get(float(rate), "") for rate in rates.rate]


def _incomplete(data: Comparisons) -> bool:
    return bool((data.weight == 0).any())


def _aligned(column: Floats, place: Sequence[int]) -> Floats:
    return np.array([column[at] if at >= 0 else np.nan for at in place])


def _bradley_terry(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    found = rated(fit_bradley_terry(table, cluster=choices.cluster), choices)
    if choices.interval == "analytic":
        notes = _few_judges(table) if choices.cluster in ("judge", "both") else ()
        return replace(found, method=f"sandwich, {_SHARED[choices.cluster]}", notes=notes)
    if choices.cluster != "instruction":
        raise StatisticsError("the bootstrap draws instructions: leave out the choice of clusters, or the bootstrap")
    drawn = bootstrap_ratings(table, level=choices.level, resamples=choices.resamples, rng=rng)
    return replace(found, lower=drawn.lower, upper=drawn.upper, method=drawn.method)


def _few_judges(table: VerdictTable) -> tuple[str, ...]:
    judges = len(np.unique(table.judge))
    if judges < 2:
        return ("one judge tells nothing of how judges differ: there is no interval by judge",)
    if judges < _ENOUGH:
        return (f"{judges} judges tell little of how judges differ: intervals by judge are too narrow",)
    return ()


def _with_ties(rule: TieRule) -> "Find":
    def find(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
        _only_analytic(choices)
        return rated(fit_contextual(table, ties=rule).ratings, choices)

    return find


def _judge_aware(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """What judges differ in besides the models, in the notes: how sharply each tells models apart, and its lean."""
    _only_analytic(choices)
    used, judge = np.unique(table.judge, return_inverse=True)
    names = tuple(table.judges[code] for code in used)
    found = fit_judge_model(replace(table, judges=names, judge=judge.astype(np.int32)))
    error = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    half = critical_value(choices.level) * error
    counts = PairCounts.of(table)
    flags = connectivity(counts.wins, counts.verdicts).flags
    return Estimates(
        value=found.theta,
        lower=found.theta - half,
        upper=found.theta + half,
        covariance=found.covariance,
        flags=flags,
        method="sandwich, clustered by instruction, given the priors",
        scale="logit",
        notes=(
            *((_HELD_BY_PRIOR,) if any(flags) else ()),
            *(_of_judges(found.discrimination, "log discrimination", choices.level) if len(used) > 1 else ()),
            *_of_judges(found.first_place, "log-odds for what is shown first", choices.level),
            *(f"not identified: {name}" for name in found.not_identified),
        ),
    )


def _of_judges(effect: Effect, what: str, level: float) -> list[str]:
    z = critical_value(level)
    return [
        f"{name}: {what} {value:.3f} [{value - z * error:.3f}, {value + z * error:.3f}]"
        for name, value, error in zip(effect.names, effect.estimate, effect.standard_error, strict=True)
        if math.isfinite(value)
    ]


def _elo(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    _only_analytic(choices)
    found = shuffled_elo(table, rng=rng)
    met = np.isin(np.arange(len(table.models)), np.concatenate([table.model_a, table.model_b]))
    return Estimates(
        value=np.where(met, found.rating, np.nan),
        lower=found.lower,
        upper=found.upper,
        covariance=np.full((len(met), len(met)), np.nan),
        flags=[""] * len(met),
        method=f"smallest and largest over {found.orders} orders of the verdicts: no confidence interval",
        scale="elo",
        notes=("online Elo depends on the order of verdicts and on K: all ranks are left open",),
    )


def _only_analytic(choices: Choices) -> None:
    if choices.interval != "analytic":
        raise StatisticsError(f"{choices.method} has no bootstrap intervals: leave --interval out")


def rated(ratings: Ratings, choices: Choices) -> Estimates:
    """Ratings in natural log-odds with their sandwich intervals."""
    half = critical_value(choices.level) * ratings.standard_error
    return Estimates(
        value=ratings.theta,
        lower=ratings.theta - half,
        upper=ratings.theta + half,
        covariance=ratings.covariance,
        flags=_rating_flags(ratings),
        method="sandwich, clustered by instruction",
        scale="logit",
    )


def _rating_flags(ratings: Ratings) -> list[str]:
    scales = len(set(ratings.component[ratings.component >= 0].tolist()))
    return [
        ", ".join(part for part in (flag, f"scale {component + 1} of {scales}" if scales > 1 else "") if part)
        for flag, component in zip(ratings.flags, ratings.component.tolist(), strict=True)
    ]


Find = Callable[[VerdictTable, Choices, str | None, np.random.Generator], Estimates]


# method -> how, and the scales it can be shown on, the usual one first
_METHODS: dict[str, tuple[Find, tuple[Scale, ...]]] = {
    "win-rate": (_win_rate, ("rate",)),
    "length-controlled": (_length_controlled, ("rate",)),
    "bradley-terry": (_bradley_terry, ("elo", "logit")),
    "davidson": (_with_ties("davidson"), ("elo", "logit")),
    "rao-kupper": (_with_ties("rao_kupper"), ("elo", "logit")),
    "judge-aware": (_judge_aware, ("elo", "logit")),
    "elo": (_elo, ("elo",)),
}
