"""Every method gives a leaderboard that says what it is; choices that do not fit together are refused."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.bias.effects import length_effect, place_effect
from judgebench.errors import StatisticsError
from judgebench.leaderboard import METHODS, Choices, Cluster, Join
from judgebench.leaderboard.build import build, build_from, common_baseline, estimate
from judgebench.stats.verdict_table import VerdictTable
from tests.bias.factories import BiasedWorld
from tests.stats.factories import against_baseline, table_of

# But for the one that needs judges that are models: tests/stats/test_peer_rank.py.
PAIRWISE = [name for name, method in METHODS.items() if method.needs == "pairwise" and name != "peer-rank"]
CLUSTERS: tuple[Cluster, ...] = ("instruction", "judge", "both", "verdict")
JOINS: tuple[Join, ...] = ("instruction", "position")


TABLE = against_baseline()


@pytest.mark.parametrize("method", PAIRWISE)
def test_every_method_finds_the_order_and_encloses_its_ratings(method: str) -> None:
    board = build(TABLE, Choices(method=method))
    assert [row.model for row in board.rows] == ["m1", "m2", "m0", "m3", "m4"]
    assert board.baseline == "m0"
    for row in board.rows:
        assert row.lower <= row.rating <= row.upper
        assert row.rank_lower <= row.rank <= row.rank_upper
        assert 0 <= row.win_rate <= 1
    assert board == build(TABLE, Choices(method=method))


@pytest.mark.parametrize("instructions", [2, 4, 6, 30])
@pytest.mark.parametrize("preference", [0.5, 0.909, 1.0])
@pytest.mark.parametrize("method", ["win-rate", "length-controlled", "bradley-terry", "judge-aware"])
def test_verdicts_that_are_alike_are_no_certainty(method: str, preference: float, instructions: int) -> None:
    models = {"a": preference, "b": preference, "c": 1 - preference}
    rows = [(name, "base", value, f"i{i}") for name, value in models.items() for i in range(instructions)]
    board = build(table_of(rows), Choices(method=method, baseline="base", resamples=20))
    for row in board.rows:
        assert row.standard_error is None or row.standard_error > 1e-9
        if row.model != "base":
            assert row.upper - row.lower > 0
            assert (row.rank_lower, row.rank_upper) == (1, 4) or instructions > 4


@pytest.mark.parametrize("method", ["win-rate", "bradley-terry", "judge-aware"])
def test_of_one_instruction_there_is_neither_interval_nor_standard_error_and_a_note_says_why(method: str) -> None:
    rows = [("a", "b", float(i % 3 > 0), f"i{i}") for i in range(12)]
    rows += [("once", "a", 1.0, "i0"), ("once", "b", 1.0, "i0")]
    board = build(table_of(rows), Choices(method=method))
    once = next(row for row in board.rows if row.model == "once")
    assert once.estimate.reason == "fewer than two instructions"
    assert (once.lower, once.upper, once.standard_error) == (None, None, None)
    assert "no interval of once: fewer than two instructions" in board.notes
    assert all(row.standard_error for row in board.rows if row is not once)


def test_a_handful_of_instructions_is_said_to_tell_little() -> None:
    for instructions, words in (
        (1, "one instruction can hardly"),
        (5, "5 instructions can hardly"),
        (19, "tell little"),
    ):
        notes = build(TABLE.select(TABLE.instruction < instructions), Choices()).notes
        assert any(words in note for note in notes)
    assert not any("instructions" in note for note in build(TABLE.select(TABLE.instruction < 20), Choices()).notes)


@pytest.mark.parametrize("method", ["win-rate", "length-controlled", "bradley-terry"])
def test_a_bootstrap_of_few_instructions_is_refused(method: str) -> None:
    few = against_baseline(instructions=99)
    with pytest.raises(StatisticsError, match="99 instructions is too narrow, it takes 100"):
        build(few, Choices(method=method, interval="bootstrap"))


@pytest.mark.parametrize("method", ["win-rate", "bradley-terry"])
def test_a_bootstrap_does_not_take_a_model_in_few_instructions_for_certain(method: str) -> None:
    rows = [("a", "b", float(i % 3 > 0), f"i{i}") for i in range(120)]
    rows += [("new", "b", 0.8, f"i{i}") for i in range(4)]
    analytic, drawn = (
        {row.model: row for row in build(table_of(rows), Choices(method=method, interval=interval)).rows}
        for interval in ("analytic", "bootstrap")
    )
    assert (drawn["new"].lower, drawn["new"].upper) == (analytic["new"].lower, analytic["new"].upper)
    assert drawn["a"].lower != analytic["a"].lower


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


def test_no_finite_estimate_is_said() -> None:
    estimates = estimate(TABLE, Choices(), baseline=None)
    with pytest.raises(StatisticsError, match="no model has a finite estimate"):
        build_from(TABLE, Choices(), replace(estimates, value=np.full(len(TABLE.models), np.nan)))


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


def test_a_verbose_model_falls_to_its_place_at_equal_length() -> None:
    world = BiasedWorld(length_slope=0.8, longer=(3, 1.5), slots=(0.4,), instructions=200)
    table = world.table(np.random.default_rng(0))
    choices = Choices(method="bradley-terry", scale="logit")
    columns = {effect.name: effect.column for effect in (place_effect(table), length_effect(table))}
    naive = [row.model for row in build(table, choices).rows]
    board = build(table, choices, columns=columns)
    assert naive.index("m3") < 3
    assert [row.model for row in board.rows] == ["m0", "m1", "m2", "m3", "m4"]
    assert all(note.startswith("at equal") for note in board.notes[:2])
    with pytest.raises(StatisticsError, match="none"):
        build(table, Choices(), columns=columns)


def test_the_judge_aware_model_takes_columns_too() -> None:
    table = BiasedWorld(length_slope=0.8, longer=(3, 1.5), instructions=150).table(np.random.default_rng(0))
    columns = {"length": length_effect(table).column}
    board = build(table, Choices(method="judge-aware"), columns=columns)
    assert [row.model for row in board.rows] == ["m0", "m1", "m2", "m3", "m4"]
    assert any(note.startswith("at equal length, whose coefficient is") for note in board.notes)
    with pytest.raises(StatisticsError, match="controlled ratings have no bootstrap"):
        build(table, Choices(method="bradley-terry", interval="bootstrap"), columns=columns)
