"""Verdict tables for tests: from rows, drawn by hypothesis, simulated with a known truth."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit

from judgebench.stats.verdict_table import VerdictTable


def table_of(rows, models=None, instructions=None, judges=None):
    """From rows (model_a, model_b, preference[, instruction[, judge]]) in words."""
    rows = [(*row, *("i0", "judge")[len(row) - 3 :]) for row in rows]
    models = tuple(models or sorted({name for row in rows for name in row[:2]}))
    instructions = tuple(instructions or sorted({row[3] for row in rows}))
    judges = tuple(judges or sorted({row[4] for row in rows}))
    n = len(rows)

    def codes(names, column):
        return np.array([names.index(row[column]) for row in rows], dtype=np.int32)

    return VerdictTable(
        models=models,
        instructions=instructions,
        judges=judges,
        model_a=codes(models, 0),
        model_b=codes(models, 1),
        instruction=codes(instructions, 3),
        judge=codes(judges, 4),
        order=np.full(n, -1, dtype=np.int8),
        preference=np.array([row[2] for row in rows], dtype=np.float64),
        length_a=np.zeros(n, dtype=np.int32),
        length_b=np.zeros(n, dtype=np.int32),
    )


@st.composite
def tables(draw, min_models=2, max_models=5, max_rows=40):
    """Small tables of any shape: ties, soft preferences, unused models, several verdicts a battle."""
    k = draw(st.integers(min_models, max_models))
    row = st.tuples(
        st.integers(0, k - 1),
        st.integers(1, k - 1),
        st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]),
        st.integers(0, 5),
        st.integers(0, 1),
    )
    drawn = draw(st.lists(row, min_size=1, max_size=max_rows))
    models = [f"m{i}" for i in range(k)]
    rows = [(models[a], models[(a + d) % k], y, f"i{i}", f"j{j}") for a, d, y, i, j in drawn]
    return table_of(rows, models=models, instructions=[f"i{i}" for i in range(6)], judges=["j0", "j1"])


def swapped(table):
    """The same verdicts with A and B exchanged."""
    return replace(
        table,
        model_a=table.model_b,
        model_b=table.model_a,
        preference=1.0 - table.preference,
        length_a=table.length_b,
        length_b=table.length_a,
        order=np.where(table.order < 0, table.order, 1 - table.order).astype(np.int8),
    )


def renamed(table, permutation):
    """The table in which model i is called by the name of model permutation[i]."""
    permutation = np.asarray(permutation, dtype=np.int32)
    return replace(table, model_a=permutation[table.model_a], model_b=permutation[table.model_b])


def stacked(table, other):
    """Rows of two tables that share their names."""
    columns = ["model_a", "model_b", "instruction", "judge", "order", "preference", "length_a", "length_b"]
    return replace(table, **{c: np.concatenate([getattr(table, c), getattr(other, c)]) for c in columns})


@dataclass(frozen=True)
class World:
    """Battles of k models on shared instructions, with noise that an instruction and a model share."""

    strengths: np.ndarray
    instructions: int = 100
    quality_noise: float = 0.8
    ties: float = 0.0  # share of verdicts turned into ties
    orders: int = 2

    def table(self, rng):
        k = len(self.strengths)
        a, b = np.triu_indices(k, 1)
        quality = self.strengths + self.quality_noise * rng.standard_normal((self.instructions, k))
        i = np.repeat(np.arange(self.instructions), len(a) * self.orders)
        a, b = (np.tile(np.repeat(side, self.orders), self.instructions) for side in (a, b))
        order = np.tile(np.arange(self.orders), len(i) // self.orders)
        won = rng.random(len(i)) < expit(quality[i, a] - quality[i, b])
        preference = np.where(rng.random(len(i)) < self.ties, 0.5, won.astype(float))
        zeros = np.zeros(len(i), dtype=np.int32)
        return VerdictTable(
            models=tuple(f"m{m}" for m in range(k)),
            instructions=tuple(f"i{n:05d}" for n in range(self.instructions)),
            judges=("judge",),
            model_a=a.astype(np.int32),
            model_b=b.astype(np.int32),
            instruction=i.astype(np.int32),
            judge=zeros,
            order=order.astype(np.int8),
            preference=preference,
            length_a=zeros,
            length_b=zeros,
        )


STRENGTH = np.array([0.0, 1.0, 0.4, -0.5, -1.2])


def against_baseline(instructions: int = 120, *, seed: int = 1) -> VerdictTable:
    """Models m1 .. m4 against m0 in both orders, with some ties."""
    rng = np.random.default_rng(seed)
    rows = [(i, m, order) for i in range(instructions) for m in range(1, 5) for order in (0, 1)]
    instruction, model, order = (np.array(column, dtype=np.int32) for column in zip(*rows, strict=True))
    luck = rng.normal(size=(instructions, 5))[instruction, model]
    chance = 1 / (1 + np.exp(STRENGTH[model] - STRENGTH[0] + luck))
    drawn = rng.random(len(rows))
    preference = np.where(np.abs(drawn - chance) < 0.05, 0.5, (drawn < chance).astype(float))
    zeros = np.zeros(len(rows), dtype=np.int32)
    lengths = rng.integers(50, 500, size=(2, len(rows))).astype(np.int32)
    return VerdictTable(
        models=tuple(f"m{n}" for n in range(5)),
        instructions=tuple(f"i{n:04d}" for n in range(instructions)),
        judges=("judge",),
        model_a=zeros,
        model_b=model,
        instruction=instruction,
        judge=zeros,
        order=order.astype(np.int8),
        preference=preference,
        length_a=lengths[0],
        length_b=lengths[1],
    )
