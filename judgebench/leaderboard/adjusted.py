"""Leaderboards under control: what a judge likes besides quality as columns of the rating model, or people as anchor.

Columns (``stats.contextual``): ratings at equal length, style or place. Anchored to people (``stats.ppi``): the judge
everywhere, corrected by labels on some of the same instructions, which must be a random part of them. Corrected by
error rates (``stats.rogan_gladen``): where the labels come from elsewhere. Which verdicts enter is decided before.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.board import Choices, Leaderboard
from judgebench.leaderboard.build import build_from, common_baseline
from judgebench.leaderboard.methods import Estimates, on_scale, rated
from judgebench.stats.bradley_terry.covariates import ContextualRatings, fit_contextual
from judgebench.stats.bradley_terry.ties import TieRule
from judgebench.stats.intervals import critical_value
from judgebench.stats.ppi import anchored_ratings, anchored_win_rates
from judgebench.stats.rogan_gladen import Calibration, corrected_share
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import instruction_sums

_TIES: Mapping[str, TieRule] = {"bradley-terry": "half", "davidson": "davidson", "rao-kupper": "rao_kupper"}


def build_at_equal(table: VerdictTable, choices: Choices, columns: Mapping[str, Floats]) -> Leaderboard:
    """Ratings at equal ``columns`` (n,) each, A's value minus B's.

    Raises StatisticsError for a method that is no rating model, and as ``build`` does.
    """
    if choices.method not in _TIES:
        raise StatisticsError(
            f"controls are columns of a rating model, and {choices.method} is none: choose --method {', '.join(_TIES)}"
        )
    if choices.interval != "analytic":
        raise StatisticsError("controlled ratings have no bootstrap intervals: leave --interval out")
    found = fit_contextual(table, columns=columns, ties=_TIES[choices.method])
    half = critical_value(choices.level)
    notes = (_coefficient(found, at, half) for at in range(len(found.columns)))
    return _board(table, choices, replace(rated(found.ratings, choices), notes=tuple(notes)))


def build_anchored(judge: VerdictTable, human: VerdictTable, choices: Choices) -> Leaderboard:
    """Win rates or Bradley-Terry ratings in people's eyes; both tables under the same names, one human row a label.

    Raises StatisticsError for another method, or where too little is labelled.
    """
    if not len(human):
        raise StatisticsError("nobody has labelled a battle of this board: import labels, or vote in the app")
    if choices.method == "bradley-terry":
        return _anchored_ratings(judge, human, choices)
    if choices.method != "win-rate":
        raise StatisticsError("people can anchor win-rate and bradley-terry: choose one of them")
    baseline = choices.baseline or common_baseline(judge)
    means = anchored_win_rates(human, judge, baseline=baseline)
    if not means:
        raise StatisticsError("no model has labels on two instructions and verdicts on others: label more battles")
    estimates = _by_model(
        judge,
        {name: (mean.interval(choices.level), mean.standard_error) for name, mean in means.items()},
        "prediction-powered (PPI++), clustered by instruction",
    )
    labelled, most = min(mean.labelled for mean in means.values()), max(mean.labelled for mean in means.values())
    weights = [mean.weight for mean in means.values()]
    note = (
        f"anchored to people's labels on {labelled} to {most} instructions a model; weight of the judge "
        f"{min(weights):.2f} to {max(weights):.2f}; the labelled instructions must be a random part of all"
    )
    left_out = sorted({judge.models[code] for code in np.unique([judge.model_a, judge.model_b])} - means.keys())
    others = [name for name in left_out if name != baseline]
    notes = (note, *([f"without labels on two instructions, left out: {', '.join(others)}"] if others else []))
    return _board(judge, replace(choices, baseline=baseline), replace(estimates, notes=notes))


def build_corrected(table: VerdictTable, choices: Choices, calibration: Calibration, *, source: str) -> Leaderboard:
    """Win rates corrected for how often the judge is wrong, which ``source`` says where it was learned.

    A model wins an instruction where the mean preference for it exceeds 1/2; ties count half. Raises StatisticsError
    for another method, or a judge no better than chance.
    """
    if choices.method != "win-rate":
        raise StatisticsError("error rates correct win rates: leave --method out")
    baseline = choices.baseline or common_baseline(table)
    sums = instruction_sums(table, baseline=baseline)
    with np.errstate(invalid="ignore"):
        mean = np.asarray(sums.won / sums.battles)
    found = {}
    for code in np.flatnonzero(np.isfinite(mean).any(axis=0)):
        name = table.models[code]
        known = mean[np.isfinite(mean[:, code]), code]
        if name == baseline:
            continue
        share = float((np.sign(known - 0.5) / 2 + 0.5).mean())
        fixed = corrected_share(share, len(known), calibration, level=choices.level)
        found[name] = (fixed.estimate, fixed.standard_error)
    estimates = _by_model(table, found, "Rogan-Gladen, adjusted")
    note = (
        f"corrected for a judge that is right on {calibration.sensitivity:.1%} of {calibration.positives} labelled "
        f"battles of {source}; it must err as often here, and equally for every model"
    )
    return _board(table, replace(choices, baseline=baseline), replace(estimates, notes=(note,)))


def _anchored_ratings(judge: VerdictTable, human: VerdictTable, choices: Choices) -> Leaderboard:
    met = np.unique(np.concatenate([judge.model_a, judge.model_b, human.model_a, human.model_b]))
    both = [_among(table, met) for table in (judge, human)]
    found = anchored_ratings(both[1], both[0])
    half = critical_value(choices.level) * found.standard_error
    estimates = Estimates(
        value=found.theta,
        lower=found.theta - half,
        upper=found.theta + half,
        covariance=found.covariance,
        flags=[""] * len(met),
        method="prediction-powered (PPI++), clustered by instruction",
        scale="logit",
        notes=(
            f"anchored to people's labels on {found.labelled} instructions, weight of the judge {found.weight:.2f}; "
            "they must be a random part of all",
        ),
    )
    return _board(both[0], choices, estimates)


def _among(table: VerdictTable, met: Floats) -> VerdictTable:
    """The table under the names of these models alone."""
    place = np.zeros(len(table.models), dtype=np.int32)
    place[met] = np.arange(len(met))
    return replace(
        table,
        models=tuple(table.models[code] for code in met),
        model_a=place[table.model_a],
        model_b=place[table.model_b],
    )


def _by_model(table: VerdictTable, found: Mapping[str, tuple[Estimate, float]], method: str) -> Estimates:
    """From estimate and standard error of some models; covariances are not known and taken as nought."""
    nothing = (unidentified("it was not estimated"), np.nan)
    rows = [found.get(name, nothing) for name in table.models]
    numbers = [(known.value, known.lower, known.upper, error) for known, error in rows]
    value, lower, upper, errors = np.array(numbers, dtype=np.float64).T
    return Estimates(
        value=value,
        lower=lower,
        upper=upper,
        covariance=np.diag(errors**2),
        flags=[""] * len(table.models),
        method=method,
        scale="rate",
    )


def _board(table: VerdictTable, choices: Choices, estimates: Estimates) -> Leaderboard:
    return build_from(table, choices, on_scale(estimates, choices))


def _coefficient(found: ContextualRatings, at: int, half: float) -> str:
    name, value, error = found.columns[at], found.coefficients[at], found.coefficient_errors[at]
    if not np.isfinite(value):
        return f"{name} cannot be told from the models' strengths here, so it is not controlled"
    return (
        f"at equal {name}, worth {value:.2f} [{value - half * error:.2f}, {value + half * error:.2f}] log-odds a unit"
    )
