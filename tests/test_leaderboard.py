"""Every method gives a leaderboard that says what it is; choices that do not fit together are refused."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.errors import StatisticsError
from judgebench.leaderboard import Choices, Method, build, common_baseline
from judgebench.leaderboard.board import Join
from judgebench.leaderboard.consensus import consensus
from judgebench.leaderboard.multiverse import many_rankings
from judgebench.stats.clusters import Clustering
from judgebench.stats.verdict_table import VerdictTable

METHODS: tuple[Method, ...] = (
    *("win-rate", "length-controlled", "bradley-terry", "davidson", "rao-kupper", "judge-aware", "elo"),
)
CLUSTERS: tuple[Clustering, ...] = ("instruction", "judge", "both", "verdict")
JOINS: tuple[Join, ...] = ("instruction", "position")
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


TABLE = against_baseline()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_order_and_encloses_its_ratings(method: Method) -> None:
    board = build(TABLE, Choices(method=method))
    assert [row.model for row in board.rows] == ["m1", "m2", "m0", "m3", "m4"]
    assert board.baseline == "m0"
    for row in board.rows:
        assert row.lower <= row.rating <= row.upper
        assert row.rank_lower <= row.rank <= row.rank_upper
        assert 0 <= row.win_rate <= 1
    assert board == build(TABLE, Choices(method=method))


def test_elo_is_named_as_what_it_is_and_leaves_all_ranks_open() -> None:
    board = build(TABLE, Choices(method="elo"))
    assert "no confidence interval" in board.interval_method
    assert any("order of verdicts" in note for note in board.notes)
    assert {(row.rank_lower, row.rank_upper) for row in board.rows} == {(1, 5)}


def test_a_model_that_never_wins_has_an_interval_that_is_no_point() -> None:
    lost = TABLE.model_b == 4
    table = VerdictTable(
        **{name: getattr(TABLE, name) for name in VerdictTable.__slots__}
        | {"preference": np.where(lost, 1.0, TABLE.preference)}
    )
    [last] = [row for row in build(table, Choices()).rows if row.model == "m4"]
    assert (last.rating, last.lower) == (0.0, 0.0)
    assert 0.01 < last.upper < 0.05


def test_a_model_that_always_wins_is_flagged_where_a_prior_holds_it() -> None:
    always = replace(TABLE, preference=np.where(TABLE.model_b == 1, 0.0, TABLE.preference))
    for method in ("length-controlled", "judge-aware"):
        board = build(always, Choices(method=method))
        [row] = [row for row in board.rows if row.flag]
        assert (row.model, row.flag) == ("m1", "undefeated")
        assert any("undefeated" in note for note in board.notes)
        if method == "length-controlled":
            assert row.lower < 0.98
            assert row.rating <= row.upper == 1.0


def test_ratings_on_the_elo_scale_are_log_odds_times_400_over_ln_10() -> None:
    elo = build(TABLE, Choices(method="bradley-terry")).rows
    logit = build(TABLE, Choices(method="bradley-terry", scale="logit")).rows
    for one, other in zip(elo, logit, strict=True):
        assert one.rating == pytest.approx(1000 + 400 / np.log(10) * other.rating)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices(scale="elo"), "no elo scale"),
        (Choices(method="bradley-terry", scale="rate"), "elo or logit"),
        (Choices(method="score"), "rank them by"),
        (Choices(method="elo", interval="bootstrap"), "no bootstrap"),
    ],
)
def test_choices_that_do_not_fit_together_are_refused(choices: Choices, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        build(TABLE, choices)


def test_nothing_to_rank_by_is_said() -> None:
    with pytest.raises(StatisticsError, match="no verdict"):
        build(TABLE.select(np.zeros(len(TABLE), dtype=bool)), Choices())


def test_two_models_have_no_baseline_but_each_other() -> None:
    pair = TABLE.select(TABLE.model_b == 1)
    assert common_baseline(pair) is None
    with pytest.raises(StatisticsError, match="--baseline"):
        build(pair, Choices(method="length-controlled"))
    rows = build(pair, Choices()).rows
    assert sum(row.win_rate for row in rows) == pytest.approx(1.0)


def test_models_that_never_met_the_baseline_teach_no_length_control() -> None:
    with pytest.raises(StatisticsError, match="models that met the baseline"):
        build(TABLE, Choices(method="length-controlled", baseline="m2"))


def test_one_order_alone_is_noted() -> None:
    board = build(TABLE.select(TABLE.order == 0), Choices())
    assert any("one order only" in note for note in board.notes)


def test_every_ranking_of_clear_verdicts_is_the_same() -> None:
    many = many_rankings(TABLE)
    assert many.found.models == TABLE.models
    assert [many.found.best_rank[code] for code in (1, 2, 0, 3, 4)] == [1, 2, 3, 4, 5]
    assert (many.found.best_rank == many.found.worst_rank).all()
    assert {universe.choices["verdicts"] for universe in many.universes} == {"as said", "consistent battles only"}
    assert many.found.survives("m1", "m4")


def test_battles_whose_orders_disagree_are_all_that_consistency_leaves_out() -> None:
    first = replace(TABLE, preference=np.where(TABLE.order == 0, 1.0, 0.0))  # the first shown, always
    many = many_rankings(first)
    assert many.impossible == 4  # no method ranks what is left: nothing
    assert set(many.found.best_rank.tolist()) == {1}


def test_categories_that_disagree_are_weighed_by_borda_and_kemeny() -> None:
    categories = ["a" if n % 3 else "b" for n in range(len(TABLE.instructions))]
    turned = np.array([name == "b" for name in categories])[TABLE.instruction]
    table = replace(TABLE, preference=np.where(turned, 1 - TABLE.preference, TABLE.preference))
    found = consensus(table, [*categories[:-1], None])
    assert found.categories == ("", "a", "b")
    assert found.condorcet_winner is None  # it never met the others
    assert found.kemeny[0] == "m1"
    assert found.cycles is None  # all met m0 alone
    assert found.unmet == 6
    assert sum(found.lottery) == pytest.approx(1)


def test_length_control_joined_by_position_is_the_same_where_nothing_is_missing() -> None:
    table = replace(TABLE, arrival=np.arange(len(TABLE.instructions), dtype=np.int32))
    by_instruction, by_position = (
        build(table, Choices(method="length-controlled", join=join, resamples=100)) for join in JOINS
    )
    assert by_instruction == by_position
    some = table.select((table.instruction > 20) | (table.model_b != 1))
    missing = [build(some, Choices(method="length-controlled", join=join, resamples=100)) for join in JOINS]
    assert missing[0].rows != missing[1].rows
    assert any("row position" in note for note in missing[1].notes)


def test_intervals_by_what_verdicts_share_are_offered_for_bradley_terry_alone() -> None:
    rng = np.random.default_rng(5)
    table = replace(TABLE, judges=tuple("abcdefghij"), judge=rng.integers(0, 10, size=len(TABLE)).astype(np.int32))
    boards = {c: build(table, Choices(method="bradley-terry", cluster=c)) for c in CLUSTERS}
    assert len({board.rows[0].standard_error for board in boards.values()}) == len(CLUSTERS)
    assert len({board.rows[0].rating for board in boards.values()}) == 1
    assert "by instruction and by judge" in boards["both"].interval_method
    assert not any("too narrow" in note for note in boards["judge"].notes)
    for judges, words in ((1, "no interval by judge"), (4, "too narrow")):
        few = replace(table, judge=table.judge % np.int32(judges))
        notes = build(few, Choices(method="bradley-terry", cluster="judge")).notes
        assert any(words in note for note in notes)
    with pytest.raises(StatisticsError, match="only bradley-terry"):
        build(table, Choices(method="win-rate", cluster="judge"))
    with pytest.raises(StatisticsError, match="bootstrap draws instructions"):
        build(table, Choices(method="bradley-terry", cluster="judge", interval="bootstrap"))
