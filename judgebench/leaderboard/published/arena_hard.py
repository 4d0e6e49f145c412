"""Arena-Hard-Auto's scores, v2.0 and v0.1: five-way verdicts in both orders against a baseline, a strong one thrice.

So a score is no win rate, and an instruction has two to six rows. The published intervals draw these rows one by one,
as if they were independent; one by instructions stands beside them. Style is token length and the density of headers,
list items and bold spans outside of code, its differences less their mean: "at equal style" is there at the style that
models have on average. Tokens are characters / 4 here, for want of the benchmark's tokenizer.

v2.0 drops an instruction in which a game has no verdict; v0.1 keeps the other game. Sources: lmarena/arena-hard-auto,
``show_result.py``, ``utils/math_utils.py`` and, of v0.1, ``show_result.py`` and ``utils_math.py``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from judgebench.counts import are, count
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.published.board import (
    Measure,
    Numbers,
    PublishedBoard,
    ScorerInput,
    ScoringChoices,
    baseline_notes,
    baseline_of,
    by_category,
    known_number,
)
from judgebench.stats.intervals import ClusterSums, bounded_ends
from judgebench.stats.style_control import StyledBattles, fit_styled, refits, relative_difference, standardised
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable

_FIVE_WAY = (0.0, 0.25, 0.5, 0.75, 1.0)
_STRONG = 3  # how often a strong verdict counts
_ROUNDS = 100  # resamples
_V2, _V01 = 0.9, 0.95  # levels of the published intervals
_CHARS_A_TOKEN = 4
_FEATURES = ("headers", "lists", "bold")
_LOG_10 = log(10.0)
_RIDGE = 0.5  # of v0.1: scikit-learn's 1 on rows that are there twice
_SURE = 1e-12  # a share nearer to 0 or 1 has no rating
_TOO_NARROW = (
    "the published intervals draw verdicts one by one, though several are on one instruction: they are too narrow, and "
    "those by instruction are not"
)
_STYLE = (
    "at equal style is at the models' average difference of style to the baseline, as published, with tokens counted "
    "as characters / 4"
)


@dataclass(frozen=True, slots=True, eq=False)
class Games:
    """n verdicts on battles with the baseline, sorted by model, instruction, judge, and the second game first."""

    models: tuple[str, ...]  # sorted; those that met the baseline
    model: Codes  # (n,)
    value: Floats  # (n,) 1 where the model won, 0 where it lost, 1/2
    times: Floats  # (n,) how often it counts
    rows: NDArray[np.intp]  # (n,) in the table
    instruction: Codes  # (n,)
    dropped: int  # verdicts without the one of the other order

    def select(self, rows: NDArray[np.bool_]) -> "Games":
        """These of them, under the same codes."""
        columns = {name: getattr(self, name)[rows] for name in ("model", "value", "times", "rows", "instruction")}
        return replace(self, **columns)


def read_games(table: VerdictTable, baseline: str, *, both: bool) -> Games:
    """The verdicts on battles with ``baseline``; ``both``: only those of instructions judged in both orders.

    Raises StatisticsError for preferences that are of no five labels, or where nothing is left.
    """
    code = table.model_code(baseline)
    rows = np.flatnonzero((table.model_a == code) | (table.model_b == code))
    is_a = table.model_a[rows] != code
    toward = np.where(is_a, table.preference[rows], 1.0 - table.preference[rows])
    if not np.isin(toward, _FIVE_WAY).all():
        odd = float(toward[~np.isin(toward, _FIVE_WAY)][0])
        raise StatisticsError(
            f"Arena-Hard counts verdicts of five labels, whose preferences are 0, 0.25, 0.5, 0.75 and 1; one is "
            f"{odd:.4g}: choose a judge that was asked with pairwise/arena-hard"
        )
    other = np.where(is_a, table.model_a[rows], table.model_b[rows])
    first = np.where(table.order[rows] < 0, -1, (table.order[rows] == 0) == is_a)  # whether the model was shown first
    cell = (other.astype(np.int64) * len(table.instructions) + table.instruction[rows]) * len(table.judges)
    cell += table.judge[rows]
    kept = _in_both_orders(cell, first) if both else np.ones(len(rows), dtype=bool)
    if not kept.any():
        raise StatisticsError("Arena-Hard shows both orders, and no battle was judged in both: run --orders both")
    order = np.lexsort((np.arange(len(rows)), -first, table.judge[rows], table.instruction[rows], other))
    order = order[kept[order]]
    codes, model = np.unique(other[order], return_inverse=True)
    value = np.where(toward == 0.5, 0.5, (toward > 0.5).astype(np.float64))[order]
    strong = np.isin(toward, (0.0, 1.0))[order]
    graded = np.isin(toward, (0.25, 0.75)).any()  # else the judge had no such labels
    return Games(
        models=tuple(table.models[at] for at in codes),
        model=model.astype(np.int32),
        value=value,
        times=np.where(strong & graded, float(_STRONG), 1.0),
        rows=rows[order],
        instruction=table.instruction[rows[order]],
        dropped=int((~kept).sum()),
    )


def _in_both_orders(cell: NDArray[np.int64], first: NDArray[np.int_]) -> NDArray[np.bool_]:
    """(n,) whether both games of a model, instruction and judge have a verdict; of unknown order, two verdicts."""
    _, code = np.unique(cell, return_inverse=True)
    counts = [np.bincount(code, weights=first == order) for order in (1, 0, -1)]
    whole: NDArray[np.bool_] = ((counts[0] > 0) & (counts[1] > 0)) | (counts[2] > 1)
    return whole[code]


def score_v2(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Of each category by itself, or of all where no instruction is of a known one.

    Raises StatisticsError where verdicts are of no five labels, or there is nothing to hold models against.
    """
    return _score(evidence, choices, _V2, _raw_v2, _styled_v2, both=True)


def score_v01(evidence: ScorerInput, choices: ScoringChoices) -> PublishedBoard:
    """Raises as ``score_v2`` does."""
    return _score(evidence, choices, _V01, _raw_v01, _styled_v01, both=False)


_Raw = Callable[[Games, np.random.Generator], dict[str, Estimate]]
_Styled = Callable[[Games, Floats, np.random.Generator], dict[str, Estimate]]


def _score(
    evidence: ScorerInput, choices: ScoringChoices, level: float, raw: _Raw, styled: _Styled, *, both: bool
) -> PublishedBoard:
    """``raw`` and ``styled``: what is published, of a category's games."""
    if evidence.verdicts is None:
        raise StatisticsError("Arena-Hard compares outputs, and no verdict does: run a judge with pairwise/arena-hard")
    numbers, baselines, notes = Numbers(), {}, [_TOO_NARROW, _STYLE]
    known = [category for category in evidence.profile.baselines if category is not None]
    for category, table in by_category(evidence, evidence.verdicts, known):
        baseline = baseline_of(table, choices.baseline, evidence.profile.baselines_of(category or None))
        games = read_games(table, baseline, both=both)
        baselines[category] = (baseline,)
        columns = _columns(category)
        numbers.add(columns[0], raw(games, np.random.default_rng(choices.seed)))
        numbers.add(columns[1], _by_instruction(games, level))
        numbers.add(columns[2], _at_equal_style(evidence, table, games, baseline, styled, choices.seed, level))
        notes += _notes(games, category, both=both)
    return numbers.board(baselines, [*baseline_notes(baselines, evidence.profile), *notes])


def _columns(category: str) -> tuple[Measure, Measure, Measure]:
    prefix, heading = (f"{category}.", f"{category} ") if category else ("", "")
    return (
        Measure(f"{prefix}score", f"{heading}score", "percent", "As published, a strong verdict thrice."),
        Measure(
            f"{prefix}score_by_instruction",
            f"{heading}by instruction",
            "percent",
            "The same score with an interval that takes instructions as drawn, not verdicts.",
        ),
        Measure(f"{prefix}style_controlled", f"{heading}at equal style", "percent", "As published, at equal style."),
    )


def _notes(games: Games, category: str, *, both: bool) -> Iterator[str]:
    where = f" of {category}" if category else ""
    if both and games.dropped:
        dropped = f"{count(games.dropped, 'verdict')}{where} {are(games.dropped)}"
        yield f"{dropped} left out, as published: the other game has none"
    if (games.times == 1).all() and np.isin(games.value, (0.0, 1.0)).any():
        yield f"no verdict{where} says 'slightly better', so each counts once, and none as strong"


def _raw_v2(games: Games, rng: np.random.Generator) -> dict[str, Estimate]:
    """The mean, with percentiles of means of resampled rows; its published value is the mean of these means."""
    estimates = {}
    for name, values in _exploded(games):
        drawn = values[rng.integers(0, len(values), (_ROUNDS, len(values)))].mean(axis=1)
        estimates[name] = _percentiles(float(values.mean()), drawn, _V2, len(values))
    return estimates


def _exploded(games: Games) -> Iterator[tuple[str, Floats]]:
    """Each model's values, every one as often as it counts."""
    for code, name in enumerate(games.models):
        mine = games.model == code
        yield name, np.repeat(games.value[mine], games.times[mine].astype(np.int64))


def _raw_v01(games: Games, rng: np.random.Generator) -> dict[str, Estimate]:
    """Win rates that Bradley-Terry ratings foretell: with one opponent, the means. Percentiles are of ratings."""
    copies = np.repeat(np.arange(len(games.value)), games.times.astype(np.int64))
    model, value = games.model[copies], games.value[copies]
    k = len(games.models)
    whole = _means(model, value, k)
    drawn = []
    for _ in range(_ROUNDS):
        rows = rng.integers(0, len(copies), len(copies))
        drawn.append(logit(np.clip(_means(model[rows], value[rows], k), _SURE, 1 - _SURE)))
    counts = np.bincount(model, minlength=k)
    lower, upper = _ends(np.array(drawn), _V01)
    return {
        name: _estimate(float(whole[at]), expit(lower[at]), expit(upper[at]), _V01, int(counts[at]))
        for at, name in enumerate(games.models)
    }


def _means(model: Codes, value: Floats, k: int) -> Floats:
    with np.errstate(invalid="ignore"):
        means: Floats = np.bincount(model, weights=value, minlength=k) / np.bincount(model, minlength=k)
    return means


def _by_instruction(games: Games, level: float) -> dict[str, Estimate]:
    """The same means, with intervals in which instructions are drawn."""
    instructions, code = np.unique(games.instruction, return_inverse=True)
    shape = len(instructions), len(games.models)
    cell = code * shape[1] + games.model
    total, rows = (
        np.bincount(cell, weights=weights, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
        for weights in (games.times * games.value, games.times)
    )
    squares = np.bincount(games.model, weights=games.times * games.value**2, minlength=shape[1]).astype(np.float64)
    lower, upper = bounded_ends(ClusterSums.of(total, rows, squares), level=level)
    means, counts = total.sum(axis=0) / rows.sum(axis=0), (rows > 0).sum(axis=0)
    return {
        name: _estimate(
            *(float(means[at]), lower[at], upper[at], level, int(counts[at])),
            method="Agresti-Coull with t, clustered by instruction",
        )
        for at, name in enumerate(games.models)
    }


def _at_equal_style(
    evidence: ScorerInput, table: VerdictTable, games: Games, baseline: str, styled: _Styled, seed: int, level: float
) -> dict[str, Estimate]:
    """``styled`` with the columns of style of each game: the baseline's and the model's length and counts."""
    if evidence.style is None:
        unknown = unidentified("the outputs are not known, so neither is their style", level=level)
        return dict.fromkeys(games.models, unknown)
    sides = _sides(table, evidence.style, games, baseline)
    try:
        return styled(games, sides, np.random.default_rng(seed))
    except StatisticsError as error:
        return dict.fromkeys(games.models, unidentified(str(error), level=level))


def _sides(table: VerdictTable, style: Mapping[str, Floats], games: Games, baseline: str) -> Floats:
    """(2, n, 4) of the model's and of the baseline's output: tokens, headers, list items, bold spans."""
    code = table.model_code(baseline)
    is_a = table.model_a[games.rows] != code
    lengths = table.length_a[games.rows], table.length_b[games.rows]
    chars = [np.where(is_a, *lengths), np.where(is_a, *reversed(lengths))]
    models = [np.where(is_a, table.model_a[games.rows], table.model_b[games.rows]), np.full(len(games.rows), code)]
    return np.array(
        [
            np.column_stack(
                [length / _CHARS_A_TOKEN, *(style[feature][games.instruction, model] for feature in _FEATURES)]
            )
            for length, model in zip(chars, models, strict=True)
        ]
    )


def _styled_v2(games: Games, sides: Floats, rng: np.random.Generator) -> dict[str, Estimate]:
    """Median and percentiles of resampled fits."""
    of_model, of_baseline = (np.column_stack([side[:, 0], side[:, 1:] / (side[:, :1] + 1)]) for side in sides)
    differences = np.column_stack(
        [
            relative_difference(of_model[:, :1], of_baseline[:, :1], more=0.0),
            relative_difference(of_model[:, 1:], of_baseline[:, 1:], more=1.0),
        ]
    )
    k = len(games.models)
    battles = _battles(games, standardised(differences, games.times, degrees=1))
    drawn = expit(refits(battles, _ROUNDS, rng, fixed=k)[:, :k])
    counts = _counts(games)
    return {
        name: _percentiles(float(np.median(drawn[:, at])), drawn[:, at], _V2, int(counts[at]))
        for at, name in enumerate(games.models)
    }


def _styled_v01(games: Games, sides: Floats, rng: np.random.Generator) -> dict[str, Estimate]:
    """One fit, penalised as scikit-learn's usual one is, with percentiles of resampled ratings."""
    differences = relative_difference(sides[0], sides[1], more=1.0)
    k = len(games.models)
    battles = _battles(games, standardised(differences, games.times, degrees=0))
    fit = fit_styled(battles, unit=_LOG_10, ridge=_RIDGE).strength
    drawn = refits(battles, _ROUNDS, rng, unit=_LOG_10, ridge=_RIDGE)
    value = expit(_LOG_10 * (fit[:k] - fit[k]))
    lower, upper = (expit(_LOG_10 * end) for end in _ends(drawn[:, :k] - drawn[:, k:], _V01))
    counts = _counts(games)
    return {
        name: _estimate(float(value[at]), lower[at], upper[at], _V01, int(counts[at]))
        for at, name in enumerate(games.models)
    }


def _battles(games: Games, style: Floats) -> StyledBattles:
    """The baseline's code is the last."""
    k = len(games.models)
    return StyledBattles(
        k + 1, games.model, np.full(len(games.model), k, dtype=np.int32), games.value, games.times, style
    )


def _counts(games: Games) -> Floats:
    """(k,) rows that a model has, each as often as it counts."""
    return np.bincount(games.model, weights=games.times, minlength=len(games.models)).astype(np.float64)


def _percentiles(value: float, drawn: Floats, level: float, n: int) -> Estimate:
    lower, upper = _ends(drawn, level)
    return _estimate(value, lower, upper, level, n)


def _ends(drawn: Floats, level: float) -> Floats:
    """(2, ...) percentiles of what was drawn (rounds, ...)."""
    ends: Floats = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return ends


def _estimate(value: float, lower: float, upper: float, level: float, n: int, method: str = "") -> Estimate:
    """In percent; of shares."""
    how = method or f"percentiles of {_ROUNDS} resamples of verdicts"
    return known_number(value, lower, upper, level=level, method=how, n=n, times=100.0)
