"""AlpacaEval 1.0 and 2.0: win rate with its standard error, discrete win rate, average length; 2.0 at equal length.

The published standard error is that of a mean of independent instructions, the sample's deviation over the root of n.
The length-controlled win rate is this project's (``stats.length_control``), which does without the tables that the
published one downloads; its documentation says how near it comes. Sources: tatsu-lab/alpaca_eval,
``metrics/winrate.py`` and ``metrics/glm_winrate.py``.
"""

from collections.abc import Mapping
from dataclasses import replace

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
    baseline_notes,
    baseline_of,
    exactly,
    known_number,
    met_models,
)
from judgebench.stats.length_control import estimates
from judgebench.stats.method import Choices
from judgebench.stats.verdict_table import VerdictTable
from judgebench.stats.win_rate import WinRates, win_rates

_REFITS = 200
_BY_INSTRUCTION = "Agresti-Coull with t, clustered by instruction"


def score(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Version 1.0. Raises StatisticsError where no outputs are compared, or with no one model."""
    numbers, table, baseline = Numbers(), *_against(evidence, choices)
    _add_rates(numbers, table, baseline)
    return _board(numbers, evidence, baseline, [])


def score_controlled(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Version 2.0. Raises as ``score`` does."""
    numbers, table, baseline = Numbers(), *_against(evidence, choices)
    column = Measure(
        "length_controlled_winrate", "length-controlled", "percent", "The win rate if outputs were equally long."
    )
    notes: list[str] = []
    models = [name for name in _models(table) if name != baseline]
    if evidence.style is None:
        numbers.add(
            column, dict.fromkeys(models, unidentified("the outputs are not known, so neither is their length"))
        )
    else:
        controlled, notes = _controlled(table, baseline, choices)
        numbers.add(column, controlled)
    _add_rates(numbers, table, baseline)
    return _board(numbers, evidence, baseline, notes)


def _against(evidence: ScorerInput, choices: ScoringChoices) -> tuple[VerdictTable, str]:
    """Verdicts on battles with the baseline, and its name."""
    if evidence.verdicts is None:
        raise StatisticsError("AlpacaEval compares outputs, and no verdict does: run a pairwise judge")
    baseline = baseline_of(evidence.verdicts, choices.baseline, evidence.profile.baselines_of(None))
    return evidence.verdicts.against(baseline), baseline


def _board(numbers: Numbers, evidence: ScorerInput, baseline: str, notes: list[str]) -> PublishedBoard:
    baselines = {"": (baseline,)}
    return numbers.board(baselines, [*baseline_notes(baselines, evidence.profile), *notes])


def _models(table: VerdictTable) -> list[str]:
    return [table.models[code] for code in met_models(table)]


def _controlled(
    table: VerdictTable, baseline: str, choices: ScoringChoices
) -> tuple[Mapping[str, Estimate], list[str]]:
    """By model, with what a reader must know."""
    how = Choices("length-controlled", baseline=baseline, level=LEVEL, resamples=_REFITS, seed=choices.seed)
    models = [name for name in _models(table) if name != baseline]
    try:
        known = estimates(table, how, baseline, np.random.default_rng(choices.seed))
    except StatisticsError as error:
        return dict.fromkeys(models, unidentified(str(error))), []
    numbers = {}
    for name in models:
        at = table.models.index(name)
        battles = int(((table.model_a == at) | (table.model_b == at)).sum())
        ends = known.value[at], known.lower[at], known.upper[at]
        number = known_number(*ends, method=known.method, n=battles, times=100.0)
        numbers[name] = replace(number, reason=known.flags[at] or number.reason)
    return numbers, list(known.notes)


def _add_rates(numbers: Numbers, table: VerdictTable, baseline: str) -> None:
    rates = win_rates(table, baseline=baseline)
    lower, upper = rates.sums.ends(LEVEL)
    codes = {name: rates.models.index(name) for name in _models(table) if name != baseline}
    rate = {
        name: known_number(
            *(rates.rate[at], lower[at], upper[at]), method=_BY_INSTRUCTION, n=int(rates.battles[at]), times=100.0
        )
        for name, at in codes.items()
    }
    numbers.add(Measure("win_rate", "win rate", "percent", "The mean preference for the model."), rate)
    for column, values in _descriptions(rates, table, codes):
        numbers.add(column, values)


def _descriptions(
    rates: WinRates, table: VerdictTable, codes: Mapping[str, int]
) -> list[tuple[Measure, Mapping[str, Estimate]]]:
    """What stands beside the win rate, as published."""
    n, wins, ties = rates.battles, rates.wins, rates.ties
    error = 100 * rates.standard_error
    lengths = np.concatenate([table.length_a, table.length_b])
    sides = np.concatenate([table.model_a, table.model_b])
    with np.errstate(invalid="ignore"):
        discrete = 100 * (wins + ties / 2) / n
    values = (
        (Measure("discrete_win_rate", "discrete", "percent", "Instructions won, and half of those tied."), discrete),
        (
            Measure("standard_error", "standard error", "percent", "Of the win rate, as published.", is_main=False),
            error,
        ),
        (Measure("n_wins", "wins", "count", "Instructions won.", is_main=False), wins),
        (
            Measure("n_wins_base", "losses", "count", "Instructions that the baseline won.", is_main=False),
            n - wins - ties,
        ),
        (Measure("n_draws", "ties", "count", "Instructions tied.", is_main=False), ties),
        (Measure("n_total", "instructions", "count", "Instructions with a verdict."), n),
    )
    average = Measure("avg_length", "length", "characters", "Mean characters of its judged outputs, cut.")
    means = {name: float(int(lengths[sides == at].mean())) for name, at in codes.items()}
    return [
        *(
            (column, {name: _described(float(numbers[at]), int(n[at])) for name, at in codes.items()})
            for column, numbers in values
        ),
        (average, {name: exactly(mean, int(n[codes[name]])) for name, mean in means.items()}),
    ]


def _described(value: float, n: int) -> Estimate:
    return exactly(value, n) if np.isfinite(value) else unidentified("fewer than two instructions")
