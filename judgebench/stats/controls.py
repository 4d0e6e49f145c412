"""Verdicts against a baseline as dense arrays, with what is to be controlled: length, or any property of two outputs.

A control is antisymmetric: exchanging the outputs changes its sign. Each is the baseline's value minus the model's,
divided by the model's own standard deviation of it and squashed by tanh, never centred, so that 0 always means "no
difference" (AlpacaEval's length term, alpaca_eval/metrics/glm_winrate.py; Dubois et al. 2024, section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from judgebench.errors import StatisticsError, UnknownName
from judgebench.stats.table import Floats, VerdictTable


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """m models against one baseline on i instructions; where ``weight`` is 0 there was no battle."""

    models: tuple[str, ...]
    baseline: str
    instructions: tuple[str, ...]
    controls: tuple[str, ...]  # f names
    preference: Floats  # (m, i) for the model, in [0, 1]; several verdicts on a battle are averaged
    weight: Floats  # (m, i) 0 or 1
    control: Floats  # (m, i, f) in (-1, 1); 0 where there was no battle


def compare_to_baseline(
    table: VerdictTable, *, baseline: str, controls: Mapping[str, Floats] | None = None
) -> Comparisons:
    """Every model but the baseline, with ``controls`` (n,): A's value minus B's on each row; by default the length.

    Raises UnknownName for a baseline that is not in the table, StatisticsError for a control that does not fit it.
    """
    if baseline not in table.models:
        raise UnknownName("baseline", baseline, table.models)
    values = _checked(controls, table) if controls is not None else {"length": _length_difference(table)}
    fixed = table.model_code(baseline)
    a_is_baseline = (table.model_a == fixed)[:]
    rows = a_is_baseline | (table.model_b == fixed)
    sign = np.where(a_is_baseline, 1.0, -1.0)[rows]
    model = np.where(a_is_baseline, table.model_b, table.model_a)[rows].astype(np.int64)
    others = np.delete(np.arange(len(table.models)), fixed)
    shape = (len(others), len(table.instructions))
    cell = np.searchsorted(others, model) * shape[1] + table.instruction[rows]
    verdicts = np.bincount(cell, minlength=shape[0] * shape[1])

    def mean(column: Floats) -> Floats:
        sums = np.bincount(cell, weights=column, minlength=shape[0] * shape[1])
        means: Floats = (sums / np.maximum(verdicts, 1)).reshape(shape)
        return means

    toward_baseline = np.where(sign > 0, table.preference[rows], 1.0 - table.preference[rows])
    played = (verdicts > 0).reshape(shape)
    return Comparisons(
        models=tuple(table.models[code] for code in others),
        baseline=baseline,
        instructions=table.instructions,
        controls=tuple(values),
        preference=np.where(played, 1.0 - mean(toward_baseline), 0.0),
        weight=played.astype(np.float64),
        control=np.stack([_squashed(mean(sign * column[rows]), played) for column in values.values()], axis=-1)
        if values
        else np.zeros((*shape, 0)),
    )


def _length_difference(table: VerdictTable) -> Floats:
    return table.length_a.astype(np.float64) - table.length_b


def _checked(controls: Mapping[str, Floats], table: VerdictTable) -> dict[str, Floats]:
    for name, column in controls.items():
        if np.shape(column) != (len(table),) or not np.isfinite(column).all():
            raise StatisticsError(
                f"the control {name!r} must hold {len(table)} finite numbers, one a verdict: A's value minus B's"
            )
    return {name: np.asarray(column, dtype=np.float64) for name, column in controls.items()}


def _squashed(difference: Floats, played: np.ndarray) -> Floats:
    """tanh of each row over its own sample standard deviation; 0 for a model whose difference never varies."""
    count = played.sum(axis=1)
    mean = (difference * played).sum(axis=1) / np.maximum(count, 1)
    squares = (played * (difference - mean[:, None]) ** 2).sum(axis=1)
    sd = np.sqrt(squares / np.maximum(count - 1, 1))[:, None]
    scaled: Floats = np.tanh(np.divide(difference, sd, out=np.zeros_like(difference), where=sd > 0)) * played
    return scaled
