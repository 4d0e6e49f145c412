"""Answers to "who is best?" that need no common scale, beside a test of whether one scale can hold the verdicts.

Categories as voters (Borda, Kemeny), pairs as a game (maximal lottery, Condorcet winner), and the cyclic share of the
pairwise picture with its test: see ``stats.social_choice`` and ``stats.intransitivity``. Ranks within a category are of
win rates against the field.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.stats.intransitivity import CycleTest, cycle_test, cyclic_triples
from judgebench.stats.pair_rates import pair_rates
from judgebench.stats.social_choice import borda, condorcet_winner, kemeny, maximal_lottery
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import win_rates


@dataclass(frozen=True, slots=True)
class Consensus:
    """Aligned to ``models``, those that took part."""

    models: tuple[str, ...]
    lottery: tuple[float, ...]  # probability of each model in the mixture that nobody beats on average
    unmet: int  # pairs of models that never met, which the lottery takes for even
    condorcet_winner: str | None  # preferred to each other model by a majority
    categories: tuple[str, ...]  # that ranked; "" where instructions have none
    borda: tuple[float, ...]  # mean share of others beaten over categories, in [0, 1]
    kemeny: tuple[str, ...]  # the order that contradicts fewest categories
    kemeny_disagreements: float  # pairs of models and categories that it contradicts
    kemeny_exact: bool  # False: the best that local search found
    cycles: CycleTest | None  # None: no models met in a circle, or no pair has a preference
    cyclic_triples: (
        float | None
    )  # share of triples in which majorities go round; None: no triple of which all pairs met


def consensus(
    table: VerdictTable, categories: Sequence[str | None], *, resamples: int = 1000, seed: int = 0
) -> Consensus:
    """``categories`` is aligned to ``table.instructions``. Raises StatisticsError for fewer than two models."""
    present = np.unique(np.concatenate([table.model_a, table.model_b]))
    if len(present) < 2:
        raise StatisticsError("there are no verdicts on two models: run a judge first, or choose another judge")
    models = tuple(table.models[code] for code in present)
    rates = pair_rates(table).rate[np.ix_(present, present)]
    majorities = np.nan_to_num(rates, nan=0.5)
    winner = condorcet_winner(majorities.copy())
    names, ranks = _by_category(table, categories)
    order = kemeny(ranks[:, present])
    return Consensus(
        models=models,
        lottery=tuple(maximal_lottery(rates).tolist()),
        unmet=int(np.isnan(rates[np.triu_indices(len(present), 1)]).sum()),
        condorcet_winner=None if winner is None else models[winner],
        categories=names,
        borda=tuple(borda(ranks[:, present]).tolist()),
        kemeny=tuple(models[code] for code in order.order),
        kemeny_disagreements=order.disagreements,
        kemeny_exact=order.exact,
        cycles=_cycles(table, resamples, seed),
        cyclic_triples=_number(cyclic_triples(majorities)),
    )


def _cycles(table: VerdictTable, resamples: int, seed: int) -> CycleTest | None:
    try:
        found = cycle_test(table, resamples=resamples, rng=np.random.default_rng(seed))
    except StatisticsError:
        return None
    return found if np.isfinite(found.cyclic_share) else None


def _by_category(table: VerdictTable, categories: Sequence[str | None]) -> tuple[tuple[str, ...], Floats]:
    """Names of categories with verdicts, and (categories, models) ranks by win rate; NaN where a model has none."""
    named = np.array([name or "" for name in categories], dtype=object)
    of_row = named[table.instruction]
    names = tuple(sorted(set(of_row.tolist())))
    ranks = []
    for name in names:
        rate = win_rates(table.select(of_row == name)).rate
        above = (rate[None, :] > rate[:, None]).sum(axis=1) + 1.0
        ranks.append(np.where(np.isfinite(rate), above, np.nan))
    return names, np.array(ranks)


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
