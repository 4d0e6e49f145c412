"""Verdict tables with known effects of place, length and lineage, and the published ones of a benchmark of judges."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from judgebench.records import Lineage
from judgebench.stats.verdict_table import VerdictTable

SCALERLAB = Path(__file__).parents[2].parent / "shared" / "data" / "scalerlab_judgebench"


def table_of(a, b, preference, *, models, instruction, order, judge=None, judges=("judge",), lengths=None):
    """A table from columns of codes."""
    n = len(preference)
    lengths = (np.zeros(n), np.zeros(n)) if lengths is None else lengths
    return VerdictTable(
        models=tuple(models),
        instructions=tuple(f"i{i:05d}" for i in range(int(np.max(instruction, initial=-1)) + 1)),
        judges=tuple(judges),
        model_a=np.asarray(a, dtype=np.int32),
        model_b=np.asarray(b, dtype=np.int32),
        instruction=np.asarray(instruction, dtype=np.int32),
        judge=np.zeros(n, dtype=np.int32) if judge is None else np.asarray(judge, dtype=np.int32),
        order=np.asarray(order, dtype=np.int8),
        preference=np.asarray(preference, dtype=np.float64),
        length_a=np.asarray(lengths[0], dtype=np.int32),
        length_b=np.asarray(lengths[1], dtype=np.int32),
    )


def both_orders(rows):
    """Battles of models a and b, each given as the labels of the two orders: "first", "second" or "tie" as shown."""
    said = {"first": 1.0, "tie": 0.5, "second": 0.0}
    preference = [p for ab, ba in rows for p in (said[ab], 1 - said[ba])]
    n = len(rows)
    return table_of(
        np.zeros(2 * n),
        np.ones(2 * n),
        preference,
        models=("a", "b"),
        instruction=np.repeat(np.arange(n), 2),
        order=np.tile([0, 1], n),
    )


@dataclass(frozen=True)
class BiasedWorld:
    """All pairs of k models in both orders before each judge; effects in log-odds.

    ``noise`` is what an instruction and a model share; with 0 the marginal effects are the ones written here.
    """

    strengths: tuple[float, ...] = (1.0, 0.5, 0.0, -0.5, -1.0)
    slots: tuple[float, ...] = (0.0,)  # one a judge
    sharpness: tuple[float, ...] = ()  # one a judge, times what moves it; empty: 1 each
    length_slope: float = 0.0  # per unit of natural log length
    longer: tuple[int, float] = (0, 0.0)  # (model, by how much its log length is longer)
    related: tuple[tuple[int, int, float], ...] = ()  # (judge, model, favour)
    instructions: int = 100
    noise: float = 0.0
    soft: bool = False

    def table(self, rng):
        k, judges = len(self.strengths), len(self.slots)
        one, other = np.triu_indices(k, 1)
        cells = np.array(
            [(i, a, b, j, o) for i in range(self.instructions) for a, b in zip(one, other, strict=True)
             for j in range(judges) for o in (0, 1)]
        )  # fmt: skip
        i, a, b, j, o = cells.T
        log_length = 6 + 0.5 * rng.standard_normal((self.instructions, k))
        log_length[:, self.longer[0]] += self.longer[1]
        length = np.maximum(np.exp(log_length).astype(int), 1)
        quality = np.array(self.strengths) + self.noise * rng.standard_normal((self.instructions, k))
        quality = quality + self.length_slope * np.log(1 + length)
        favour = np.zeros((judges, k))
        for judge, model, amount in self.related:
            favour[judge, model] = amount
        eta = quality[i, a] - quality[i, b] + favour[j, a] - favour[j, b] + np.array(self.slots)[j] * (1 - 2 * o)
        eta = eta * np.array(self.sharpness or [1.0] * judges)[j]
        p = expit(eta + rng.standard_normal(len(eta))) if self.soft else (rng.random(len(eta)) < expit(eta))
        return table_of(
            a,
            b,
            p.astype(float),
            models=[f"m{m}" for m in range(k)],
            instruction=i,
            order=o,
            judge=j,
            judges=[f"j{n}" for n in range(judges)],
            lengths=(length[i, a], length[i, b]),
        )


@dataclass(frozen=True)
class JudgedWorld:
    """People and a judge beside each other, all pairs in both orders. Log-odds; spreads are standard deviations."""

    models: int = 5
    instructions: int = 100
    votes: int = 1  # of people on a battle
    spread: float = 1.0  # of the models' strengths
    quality: float = 0.8  # a unit of log length
    item_noise: float = 1.0  # of what an instruction adds to one model's quality
    longer: float = 0.3  # of the models' mean log lengths
    sharpness: float = 1.0
    taste: float = 0.0  # a unit of log length
    favour: float = 0.0  # for the first model, which is the judge's own
    own_strength: float | None = None  # of the first model; None: as the others'
    slot: float = 0.4
    judge_noise: float = 0.5
    brief: bool = False  # the stronger a model, the briefer: without a taste for length the order turns

    def board(self, rng):
        """Verdicts, and people's mean preference for A of each."""
        k, n = self.models, self.instructions
        strength = self.spread * rng.standard_normal(k)
        strength[0] = strength[0] if self.own_strength is None else self.own_strength
        mean_length = self.longer * rng.standard_normal(k)
        if self.brief:
            strength, mean_length = 0.3 * np.arange(k)[::-1], 0.6 * np.arange(k)
        log_length = 6 + mean_length + 0.5 * rng.standard_normal((n, k))
        length = np.exp(log_length).astype(np.int32)
        quality = strength + self.quality * log_length + self.item_noise * rng.standard_normal((n, k))
        a, b = np.triu_indices(k, 1)
        theirs = quality[:, a] - quality[:, b]
        votes = rng.binomial(self.votes, expit(theirs)) / self.votes
        mine = self.sharpness * theirs + self.taste * (log_length[:, a] - log_length[:, b])
        mine += self.favour * ((a == 0) * 1.0 - (b == 0))
        order = np.array([1.0, -1.0])
        mine = mine[..., None] + self.slot * order + self.judge_noise * rng.standard_normal((*mine.shape, 2))
        preference = (rng.random(mine.shape) < expit(mine)) * 1.0
        i, pair, turn = (index.ravel() for index in np.indices(mine.shape))
        table = VerdictTable(
            models=tuple(f"m{m}" for m in range(k)),
            instructions=tuple(f"i{number}" for number in range(n)),
            judges=("judge",),
            model_a=a[pair].astype(np.int32),
            model_b=b[pair].astype(np.int32),
            instruction=i.astype(np.int32),
            judge=np.zeros(len(i), dtype=np.int32),
            order=turn.astype(np.int8),
            preference=preference.ravel(),
            length_a=length[i, a[pair]],
            length_b=length[i, b[pair]],
        )
        return table, np.repeat(votes.ravel(), 2)


# the fourth of six models is longer by 1, and one judge has a relative
WORLD = BiasedWorld(
    strengths=(1.2, 0.72, 0.24, -0.24, -0.72, -1.2),
    slots=(0.4, -0.2, 0.0),
    length_slope=0.8,
    longer=(3, 1.0),
    related=((2, 2, 0.7),),
    instructions=120,
    noise=0.8,
)
LINEAGES = {f"m{m}": Lineage(family=f"f{m}") for m in range(6)} | {
    f"j{j}": Lineage(family=f"f{2 if j == 2 else j + 9}") for j in range(3)
}


def rows_of(name):
    """The rows of a published file of judgments."""
    with gzip.open(SCALERLAB / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def judged_twice(rows):
    """The verdicts of a published file; the second judgment saw B first, and its decision names sides as shown."""
    value = {"A>B": 1.0, "A=B": 0.5, "B>A": 0.0}
    found = [
        (i, order, value[judgment["decision"]] if order == 0 else 1 - value[judgment["decision"]])
        for i, row in enumerate(rows)
        for order, judgment in enumerate(row["judgments"])
        if judgment is not None and judgment["decision"] is not None
    ]
    i, order, preference = zip(*found, strict=True)
    return table_of(
        np.zeros(len(i)), np.ones(len(i)), preference, models=("A", "B"), instruction=i, order=order
    )  # fmt: skip
