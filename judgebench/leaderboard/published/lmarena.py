"""LMArena's ratings: Bradley-Terry, raw and at equal style, on the Elo scale with a mean of 1000.

Raw ratings are this project's, with intervals by instruction; those at equal style are as published, with percentiles
of resampled votes, their differences of style less the mean and ratings penalised. The arena anchors its scale to one
model, so only differences compare with it. Source: lm-sys/FastChat, ``serve/monitor/rating_systems.py``.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import log

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.published.board import (
    LEVEL,
    Measure,
    Numbers,
    PublishedBoard,
    ScorerInput,
    ScoringChoices,
    known_number,
    met_models,
)
from judgebench.stats.bradley_terry.covariates import bradley_terry_estimates
from judgebench.stats.method import Choices
from judgebench.stats.style_control import StyledBattles, fit_styled, refits, relative_difference, standardised
from judgebench.stats.verdict_table import Floats, VerdictTable

_LOG_10 = log(10.0)
_ELO, _MIDDLE = 400.0, 1000.0
_RIDGE = 0.5
_ROUNDS = 100
_CHARS_A_TOKEN = 4
_FEATURES = ("headers", "lists", "bold")


def score(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Raises StatisticsError where no outputs are compared, or a fit does not converge."""
    if evidence.verdicts is None:
        raise StatisticsError("the arena compares outputs, and no vote or verdict does")
    numbers, table = Numbers(), evidence.verdicts
    numbers.add(Measure("rating", "rating", "elo", "Bradley-Terry, a tie half a win."), _raw(table, choices))
    column = Measure("style_controlled", "at equal style", "elo", "The same at equal style, as published.")
    numbers.add(column, _styled(table, evidence.style, choices))
    notes = (
        "ratings have a mean of 1000; LMArena anchors its own to one model, so only differences compare",
        "at equal style tokens are counted as characters / 4, and the published intervals draw votes one by one",
    )
    return numbers.board({}, notes)


def _raw(table: VerdictTable, choices: ScoringChoices) -> Mapping[str, Estimate]:
    how = Choices("bradley-terry", level=LEVEL, seed=choices.seed)
    known = bradley_terry_estimates(table, how, None, np.random.default_rng(choices.seed))
    met = [at for at in met_models(table) if np.isfinite(known.value[at])]
    middle = float(known.value[met].mean())
    battles = np.bincount(np.concatenate([table.model_a, table.model_b]), minlength=len(table.models))
    ratings = {}
    for at in met:
        ends = [_elo((float(end[at]) - middle) / _LOG_10) for end in (known.value, known.lower, known.upper)]
        rating = known_number(*ends, method=known.method, n=int(battles[at]))
        ratings[table.models[at]] = replace(rating, reason=known.flags[at] or rating.reason)
    return ratings


def _elo(strength: float) -> float:
    return _MIDDLE + _ELO * strength


def _styled(table: VerdictTable, style: Mapping[str, Floats] | None, choices: ScoringChoices) -> Mapping[str, Estimate]:
    met = met_models(table)
    if style is None:
        nothing = unidentified("the outputs are not known, so neither is their style")
        return {table.models[at]: nothing for at in met}
    place = np.zeros(len(table.models), dtype=np.int32)
    place[met] = np.arange(len(met))
    of_a, of_b = (
        np.column_stack([length / _CHARS_A_TOKEN, *(style[feature][table.instruction, model] for feature in _FEATURES)])
        for length, model in ((table.length_a, table.model_a), (table.length_b, table.model_b))
    )
    once = np.ones(len(table))
    won = (1 + np.sign(table.preference - 0.5)) / 2
    differences = standardised(relative_difference(of_a, of_b, more=1.0), once, degrees=0)
    battles = StyledBattles(len(met), place[table.model_a], place[table.model_b], won, once, differences)
    fit = fit_styled(battles, unit=_LOG_10, ridge=_RIDGE).strength
    drawn = refits(battles, _ROUNDS, np.random.default_rng(choices.seed), unit=_LOG_10, ridge=_RIDGE)
    lower, upper = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    counts = np.bincount(np.concatenate([battles.first, battles.second]), minlength=len(met))
    how = f"percentiles of {_ROUNDS} resamples of votes"
    return {
        table.models[code]: known_number(
            *(_elo(float(end[at])) for end in (fit, lower, upper)), method=how, n=int(counts[at])
        )
        for at, code in enumerate(met)
    }
