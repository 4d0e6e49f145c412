"""Leaderboards anchored to people. Columns that are held equal are ``build``'s; which verdicts enter is decided before.

Prediction-powered (``stats.ppi``): the judge everywhere, corrected by labels on some of the same instructions, which
must be a random part of them. Corrected by error rates (Rogan and Gladen, in ``stats.ppi``): where the labels come from
elsewhere.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from judgebench.counts import count
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.board import Leaderboard
from judgebench.leaderboard.build import build_from, common_baseline, on_scale
from judgebench.stats.intervals import critical_values
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.ppi import (
    JudgeErrorRates,
    anchored_ratings,
    anchored_win_rates,
    compared_win_rates,
    corrected_share,
)
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import InstructionSums, instruction_sums


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
    by_model = {name: (mean.interval(choices.level), mean.standard_error) for name, mean in means.items()}
    estimates = _by_model(judge, by_model, compared_win_rates(human, judge, means, baseline=baseline))
    labelled, most = min(mean.labelled for mean in means.values()), max(mean.labelled for mean in means.values())
    weights = [mean.weight for mean in means.values()]
    note = (
        f"anchored to people's labels on {labelled} to {count(most, 'instruction')} a model; weight of the judge "
        f"{min(weights):.2f} to {max(weights):.2f}; the labelled instructions must be a random part of all"
    )
    left_out = sorted({judge.models[code] for code in np.unique([judge.model_a, judge.model_b])} - means.keys())
    others = [name for name in left_out if name != baseline]
    notes = (note, *([f"without labels on two instructions, left out: {', '.join(others)}"] if others else []))
    return build_from(judge, replace(choices, baseline=baseline), replace(estimates, notes=notes))


def build_corrected(table: VerdictTable, choices: Choices, rates: JudgeErrorRates, *, source: str) -> Leaderboard:
    """Win rates corrected for how often the judge is wrong, which ``source`` says where it was learned.

    A model wins an instruction where the mean preference for it exceeds 1/2; ties count half. Raises StatisticsError
    for another method, or a judge no better than chance.
    """
    if choices.method != "win-rate":
        raise StatisticsError("error rates correct win rates: leave --method out")
    baseline = choices.baseline or common_baseline(table)
    called = _decided(instruction_sums(table, baseline=baseline))
    share, items = called.rates(np.ones(len(called.won))), called.battles.sum(axis=0)
    by_model = {}
    for code, name in enumerate(table.models):
        if name != baseline and items[code]:
            fixed = corrected_share(float(share[code]), int(items[code]), rates, level=choices.level)
            by_model[name] = (fixed.estimate, fixed.standard_error)
    estimates = _by_model(table, by_model, called.compared())
    note = (
        f"corrected for a judge that is right on {rates.sensitivity:.1%} of "
        f"{count(rates.positives, 'labelled battle')} of {source}; it must err as often here, and "
        "equally for every model"
    )
    return build_from(table, replace(choices, baseline=baseline), replace(estimates, notes=(note,)))


def _anchored_ratings(judge: VerdictTable, human: VerdictTable, choices: Choices) -> Leaderboard:
    met = np.unique(np.concatenate([judge.model_a, judge.model_b, human.model_a, human.model_b]))
    judge, human = (_among(table, met) for table in (judge, human))
    ratings = anchored_ratings(human, judge)
    known = ratings.covariance + ratings.doubt
    half = critical_values(ratings.degrees, choices.level) * np.sqrt(np.diag(known))
    estimates = Estimates(
        value=ratings.theta,
        lower=ratings.theta - half,
        upper=ratings.theta + half,
        covariance=ratings.covariance,
        flags=[""] * len(met),
        method="prediction-powered with t, clustered by instruction",
        scale="logit",
        compared=Compared(ratings.theta, known, ratings.degrees),
        notes=(
            f"anchored to people's labels on {count(ratings.labelled, 'instruction')}, weight of the judge "
            f"{ratings.weight:.2f}; they must be a random part of all",
        ),
    )
    return build_from(judge, choices, on_scale(estimates, choices))


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


def _decided(sums: InstructionSums) -> InstructionSums:
    """Each instruction won, lost or tied as a whole."""
    there = sums.battles > 0
    won = np.where(there, np.sign(sums.won - sums.battles / 2) / 2 + 0.5, 0.0)
    return replace(sums, won=won, battles=there.astype(np.float64), squared=None)


def _by_model(table: VerdictTable, by_model: Mapping[str, tuple[Estimate, float]], compared: Compared) -> Estimates:
    """From estimate and standard error of some models; the same correction for all keeps the order of ``compared``."""
    nothing = (unidentified("it was not estimated"), np.nan)
    rows = [by_model.get(name, nothing) for name in table.models]
    numbers = [(known.value, known.lower, known.upper, error) for known, error in rows]
    value, lower, upper, errors = np.array(numbers, dtype=np.float64).T
    return Estimates(
        value=value,
        lower=lower,
        upper=upper,
        covariance=np.diag(errors**2),
        flags=[""] * len(table.models),
        method=next((known.method for known, _ in by_model.values()), "none"),
        scale="rate",
        compared=compared,
    )
