"""Other answers than one scale: lotteries, Borda, Kemeny, juries, and whether preferences go in circles."""

from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import StatisticsError
from judgebench.stats import social_choice
from judgebench.stats.social_choice import (
    borda,
    condorcet_winner,
    consensus,
    convene,
    cycle_test,
    cyclic_triples,
    kemeny,
    maximal_lottery,
)
from judgebench.stats.verdict_table import VerdictTable
from tests.bias.factories import table_of as table_of_codes
from tests.stats.factories import World, against_baseline, stacked, table_of

CIRCLE = 0.5 + np.array([[0, 0.2, -0.1], [-0.2, 0, 0.3], [0.1, -0.3, 0]])


def test_golden_maximal_lottery():
    # The game with margins .2, -.1 and .3 has the equilibrium (3, 1, 2) / 6.
    assert maximal_lottery(CIRCLE) == pytest.approx([0.5, 1 / 6, 1 / 3], abs=1e-9)


def test_a_condorcet_winner_takes_the_lottery():
    preference = np.array([[0.5, 0.6, 0.7], [0.4, 0.5, 0.9], [0.3, 0.1, 0.5]])
    assert condorcet_winner(preference) == 0
    assert maximal_lottery(preference) == pytest.approx([1, 0, 0], abs=1e-9)
    assert condorcet_winner(CIRCLE) is None


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_nobody_beats_the_lottery(seed, k):
    margin = np.triu(np.random.default_rng(seed).uniform(-0.5, 0.5, (k, k)), 1)
    preference = 0.5 + margin - margin.T
    lottery = maximal_lottery(preference)
    assert lottery.sum() == pytest.approx(1)
    assert (lottery @ (preference - 0.5) >= -1e-8).all()


def test_pairs_that_never_met_are_even():
    preference = np.full((2, 2), np.nan)
    assert maximal_lottery(preference).sum() == pytest.approx(1)


def test_borda_by_hand():
    assert borda([[1, 2, 3], [1, 3, 2]]) == pytest.approx([1.0, 0.25, 0.25])
    assert borda([[1.5, 1.5, 3]]) == pytest.approx([0.75, 0.75, 0.0])
    assert borda([[1, 2, np.nan], [2, 1, 3]]) == pytest.approx([0.75, 0.5, 0.0])


def brute(ranks):
    says = (ranks[:, :, None] < ranks[:, None, :]).sum(axis=0)
    return min(
        sum(says[order[j], order[i]] for i in range(len(order)) for j in range(i + 1, len(order)))
        for order in permutations(range(ranks.shape[1]))
    )


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 6))
def test_kemeny_equals_exhaustive_search(seed, k, rankings):
    rng = np.random.default_rng(seed)
    ranks = np.array([rng.permutation(k) for _ in range(rankings)], dtype=float)
    found = kemeny(ranks)
    assert found.exact
    assert sorted(found.order.tolist()) == list(range(k))
    assert found.disagreements == brute(ranks)


@given(st.integers(0, 1000))
def test_local_search_is_nearly_as_good(seed):
    rng = np.random.default_rng(seed)
    truth = np.arange(7)
    ranks = np.array([np.argsort(np.argsort(truth + rng.normal(0, 1.5, 7))) for _ in range(5)], dtype=float)
    says = (ranks[:, :, None] < ranks[:, None, :]).sum(axis=0).astype(float)
    order = social_choice._local(says, np.argsort(-borda(ranks)))
    assert kemeny(ranks).disagreements <= social_choice._cost(says, order) <= 1.15 * kemeny(ranks).disagreements + 1


def test_many_models_are_searched_locally():
    ranks = np.tile(np.arange(20.0), (3, 1))
    found = kemeny(ranks)
    assert not found.exact
    assert found.order.tolist() == list(range(20))


def test_bad_input_is_refused():
    with pytest.raises(StatisticsError, match="sum to 1"):
        maximal_lottery(np.array([[0.5, 0.9], [0.9, 0.5]]))
    for rule in (borda, kemeny):
        with pytest.raises(StatisticsError, match="at least one ranking"):
            rule(np.zeros((0, 3)))


def test_a_ranking_has_no_cycles():
    strengths = np.array([1.0, 0.3, -0.4, -0.9])
    gaps = strengths[:, None] - strengths[None, :]
    assert cyclic_triples(1 / (1 + np.exp(-gaps))) == 0


def test_rock_paper_scissors_is_all_cycle():
    gaps = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0.0]])
    assert cyclic_triples(1 / (1 + np.exp(-gaps))) == 1


def circle(rng, instructions=150, strength=0.8):
    rows = []
    for i in range(instructions):
        for a, b in (("r", "s"), ("s", "p"), ("p", "r")):
            rows.append((a, b, float(rng.random() < 1 / (1 + np.exp(-strength))), f"i{i:04d}"))
    return table_of(rows)


def test_pairs_without_a_majority_do_not_count():
    assert np.isnan(cyclic_triples(np.full((3, 3), 0.5)))


def test_a_planted_cycle_is_found():
    found = cycle_test(circle(np.random.default_rng(0)), resamples=300, rng=np.random.default_rng(1))
    assert found.p_value < 0.01
    assert found.cyclic_share > 0.8


def test_recovery_of_the_level_without_cycles():
    rng = np.random.default_rng(2)
    world = World(np.array([0.4, 0.1, -0.1, -0.4]), instructions=80, quality_noise=1.0)
    rejected = sum(cycle_test(world.table(rng), resamples=199, rng=rng).p_value <= 0.1 for _ in range(150))
    assert rejected / 150 <= 0.18


def test_copies_of_verdicts_do_not_make_a_cycle_significant():
    table = circle(np.random.default_rng(3), instructions=20, strength=0.3)
    once = cycle_test(table, resamples=200, rng=np.random.default_rng(1)).p_value
    copies = stacked(stacked(table, table), stacked(table, table))
    assert cycle_test(copies, resamples=200, rng=np.random.default_rng(1)).p_value == pytest.approx(once, abs=0.05)


def test_bad_input_is_refused_of_cycles():
    with pytest.raises(StatisticsError, match="no three or more models"):
        cycle_test(table_of([("a", "b", 1.0)]), rng=np.random.default_rng(0))


def table(rows: list[tuple[int, int, int, float]]) -> VerdictTable:
    """Rows of (instruction, judge, order, preference) about two models."""
    instruction, judge, order, preference = (np.array(column) for column in zip(*rows, strict=True))
    same = np.zeros(len(rows), dtype=np.int32)
    return VerdictTable(
        models=("a", "b"),
        instructions=tuple(f"i{n}" for n in range(int(instruction.max()) + 1)),
        judges=("x", "y", "z"),
        model_a=same,
        model_b=same + 1,
        instruction=instruction.astype(np.int32),
        judge=judge.astype(np.int32),
        order=order.astype(np.int8),
        preference=preference.astype(np.float64),
        length_a=same,
        length_b=same,
    )


@pytest.mark.parametrize(
    ("votes", "majority"),
    [
        ((1.0, 0.8, 0.0), 1.0),
        ((0.2, 0.0, 1.0), 0.0),
        ((1.0, 0.5, 0.0), 0.5),
        ((1.0, 0.5, 0.5), 0.5),
        ((0.5, 0.5, 0.5), 0.5),
    ],
)
def test_a_side_wins_by_more_than_half_of_the_judges(votes: tuple[float, ...], majority: float) -> None:
    rows = [(0, judge, 0, vote) for judge, vote in enumerate(votes)]
    found = convene(table(rows), "majority")
    assert found.table.preference.tolist() == [majority]
    assert found.table.judges == ("majority of x, y, z",)
    assert convene(table(rows), "mean").table.preference == pytest.approx([sum(votes) / 3])


def test_repeats_are_averaged_orders_kept_apart_and_gaps_left_out() -> None:
    rows = [(0, 0, 0, 1.0), (0, 0, 0, 0.0), (0, 1, 0, 1.0), (0, 0, 1, 0.0), (0, 1, 1, 0.0), (1, 0, 0, 1.0)]
    found = convene(table(rows), "mean")
    assert sorted(zip(found.table.order.tolist(), found.table.preference.tolist(), strict=True)) == [
        (0, 0.75),
        (1, 0.0),
    ]
    assert (found.members, found.incomplete) == (("x", "y"), 1)


@given(st.lists(st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), min_size=3, max_size=3))
def test_turning_every_verdict_round_turns_the_jurys(votes: list[float]) -> None:
    for rule in ("majority", "mean"):
        one = convene(table([(0, judge, 0, vote) for judge, vote in enumerate(votes)]), rule)
        other = convene(table([(0, judge, 0, 1 - vote) for judge, vote in enumerate(votes)]), rule)
        assert one.table.preference + other.table.preference == pytest.approx([1.0])


def test_one_judge_and_judges_that_never_met_are_no_jury() -> None:
    with pytest.raises(StatisticsError, match="two judges"):
        convene(table([(0, 0, 0, 1.0)]), "majority")
    with pytest.raises(StatisticsError, match="every judge"):
        convene(table([(0, 0, 0, 1.0), (1, 1, 0, 1.0)]), "majority")


def test_categories_that_disagree_are_weighed_by_borda_and_kemeny() -> None:
    table = against_baseline()
    categories = ["a" if n % 3 else "b" for n in range(len(table.instructions))]
    turned = np.array([name == "b" for name in categories])[table.instruction]
    table = replace(table, preference=np.where(turned, 1 - table.preference, table.preference))
    found = consensus(table, [*categories[:-1], None])
    assert found.categories == ("", "a", "b")
    assert found.condorcet_winner is None  # it never met the others
    assert found.kemeny[0] == "m1"
    assert found.cycles is None  # all met m0 alone
    assert found.unmet == 6
    assert sum(found.lottery) == pytest.approx(1)


@pytest.mark.parametrize(("instructions", "certain"), [(2, False), (4, False), (60, True)])
def test_a_majority_of_a_few_verdicts_is_no_certainty(instructions, certain):
    rows = [(a, b, 1.0, f"i{i}") for i in range(instructions) for a, b in (("x", "y"), ("x", "z"), ("y", "z"))]
    found = consensus(table_of(rows), [None] * instructions, resamples=50)
    assert (found.condorcet_winner, found.condorcet_certain) == ("x", certain)


def test_models_that_nothing_tells_apart_are_told_apart_by_nothing() -> None:
    """Whatever their names: not by who comes first in the alphabet."""
    assert maximal_lottery(np.full((3, 3), 0.5)) == pytest.approx([1 / 3] * 3)
    led_by_two = np.array([[0.5, 0.5, 0.9], [0.5, 0.5, 0.9], [0.1, 0.1, 0.5]])
    assert maximal_lottery(led_by_two) == pytest.approx([0.5, 0.5, 0.0])
    table = table_of_codes([0, 0, 1], [1, 2, 2], [0.5] * 3, models="abc", instruction=[0] * 3, order=[0] * 3)
    tied = consensus(table, [None])
    assert tied.lottery == pytest.approx([1 / 3] * 3)
    assert tied.kemeny_ranks == ((1, 3),) * 3


@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 3))
def test_kemeny_ranks_are_those_of_all_orders_that_are_as_good(seed: int, k: int, rankings: int) -> None:
    rng = np.random.default_rng(seed)
    ranks = rng.integers(1, 4, (rankings, k)).astype(float)
    says = (ranks[:, :, None] < ranks[:, None, :]).sum(axis=0)
    costs = {order: sum(says[b, a] for a, b in combinations(order, 2)) for order in permutations(range(k))}
    best = [order for order, cost in costs.items() if cost == min(costs.values())]
    found = kemeny(ranks)
    assert tuple(found.order) == best[0]
    for model in range(k):
        places = [order.index(model) + 1 for order in best]
        assert tuple(found.ranks[model]) == (min(places), max(places))


def test_a_model_moved_at_no_cost_has_the_ranks_it_can_move_to_also_where_orders_are_searched_locally() -> None:
    ranks = np.append(np.arange(1.0, 14.0), np.nan)[None]  # of the last nothing is said
    assert tuple(kemeny(ranks).ranks[-1]) == (1, 14)


@pytest.mark.parametrize("instructions", [1, 2, 5, 20])
def test_what_never_varied_is_no_cycle(instructions: int) -> None:
    """Unanimous pairs, in the order of a ranking: their log-odds do not add up, as they never could."""
    i, pair = (grid.ravel() for grid in np.meshgrid(range(instructions), range(3), indexing="ij"))
    first, second = np.triu_indices(3, 1)
    table = table_of_codes(
        first[pair], second[pair], np.ones(len(i)), models="abc", instruction=i, order=np.zeros(len(i))
    )
    assert cycle_test(table, rng=np.random.default_rng(1)).p_value > 0.05


@pytest.mark.parametrize("instructions", [1, 2, 3, 5])
def test_few_instructions_without_cycles_rarely_show_one(instructions: int) -> None:
    rng, shown = np.random.default_rng(2), 0
    first, second = np.triu_indices(3, 1)
    i, pair = (grid.ravel() for grid in np.meshgrid(range(instructions), range(3), indexing="ij"))
    for _ in range(40):
        won = (rng.random(len(i)) < 0.5).astype(float)
        table = table_of_codes(first[pair], second[pair], won, models="abc", instruction=i, order=np.zeros(len(i)))
        shown += cycle_test(table, resamples=200, rng=rng).p_value < 0.05
    assert shown <= 5
