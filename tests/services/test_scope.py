"""Which verdicts count: one judge unless told otherwise, flagged models apart, and what that leaves out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from judgebench import services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard import Choices, Leaderboard, Row
from judgebench.services.scope import EVERYTHING, Scope, scoped_verdicts
from judgebench.show.coverage import sentences
from judgebench.store.database import Database
from tests import coverage
from tests.coverage import BENCHMARK, INSTRUCTIONS, MAIN, MODELS, OF_SHORT, OTHER
from tests.filling import submitted


def board(database: Database, scope: Scope = EVERYTHING, **choices: Any) -> Leaderboard:
    return services.leaderboards.leaderboard(database, BENCHMARK, scope=scope, choices=Choices(**choices))


def in_memory(flagged: tuple[str, ...] = ("cheat",)) -> Database:
    database = Database(":memory:", create=True)
    coverage.fill(database, flagged)
    return database


def test_the_judge_with_most_verdicts_ranks_and_the_others_are_counted() -> None:
    counted = board(in_memory()).coverage
    assert list(counted.judges) == [MAIN.name]
    assert counted.judges_by == "most verdicts"
    assert counted.other_judges == {OTHER.name: 3 * 14}
    pooled = board(in_memory(), Scope(all_judges=True)).coverage
    assert (set(pooled.judges), pooled.pooled, pooled.other_judges) == ({MAIN.name, OTHER.name}, True, {})
    assert sum(pooled.judges.values()) == sum(counted.judges.values()) + 3 * 14
    with pytest.raises(InputError, match="not both"):
        board(in_memory(), Scope((MAIN.name,), all_judges=True))


def _failing(database: Database) -> str:
    """A judge whose only trial failed."""
    judge = replace(MAIN, name="broken", settings={"temperature": 3})
    verdicts = coverage.judging(database, judge)
    sides = [coverage.Output(coverage.instruction(0).key, model, f"{model} says 0") for model in ("base", "near")]
    trial = coverage.Trial(judge.digest, coverage.Battle.of(coverage.instruction(0), *sides), coverage.Order.AB)
    with database.write() as connection:
        verdicts.add(connection, [coverage.result(trial, coverage.failed(), reply=None)])
    return judge.name


def test_a_judge_whose_trials_all_failed_is_named_and_its_failures_count_among_all_judges() -> None:
    database = in_memory()
    broken = _failing(database)
    assert board(database).coverage.other_judges == {OTHER.name: 42, broken: 0}
    every, names = board(database, Scope(all_judges=True)), board(database, Scope((MAIN.name, OTHER.name, broken)))
    assert every.coverage == replace(names.coverage, judges_by="all")
    assert (every.coverage.left_out, every.coverage.judges[broken]) == ({"failed": 2}, 0)
    alone = board(database, Scope((OTHER.name, broken))).coverage
    assert alone.pooled is False
    assert sentences(alone)[0].startswith(
        f"Judged by {OTHER.name} (42 verdicts); no verdict that could count of broken"
    )
    assert services.bias.bias(database, BENCHMARK, scope=Scope(all_judges=True)).judges == (MAIN.name, OTHER.name)


def test_a_model_that_only_other_judges_judged_was_judged() -> None:
    database = in_memory()
    submitted(database, [coverage.instruction(0)], ["elsewhere"], lambda model, _: model)
    verdicts = coverage.judging(database, OTHER)
    sides = [
        coverage.Output(coverage.instruction(0).key, *side) for side in (("base", "base says 0"), ("elsewhere",) * 2)
    ]
    trial = coverage.Trial(OTHER.digest, coverage.Battle.of(coverage.instruction(0), *sides), coverage.Order.AB)
    with database.write() as connection:
        verdicts.add(connection, [coverage.result(trial, coverage.ok(1.0))])
    counted = board(database).coverage
    assert (counted.not_judged, counted.by_others) == (("unjudged",), ("elsewhere",))
    assert board(database, Scope(all_judges=True)).coverage.by_others == ()


def test_no_score_to_rank_by_names_only_the_judges_that_compared() -> None:
    with pytest.raises(StatisticsError, match=rf"the 42 verdicts of {OTHER.name} compare two outputs"):
        board(in_memory(), Scope((OTHER.name,)), method="score")


def test_of_judges_with_equally_many_the_first_by_name_ranks() -> None:
    database = Database(":memory:", create=True)
    coverage.fill(database)
    few = services.leaderboards.leaderboard(
        database, BENCHMARK, scope=Scope((OTHER.name,)), choices=Choices(method="bradley-terry")
    )
    assert few.judges == (OTHER.name,)
    second = replace(MAIN, name="a judge", settings={"temperature": 2})
    coverage._judge(database, second, INSTRUCTIONS)
    assert board(database).judges in ((second.name,), (MAIN.name,))
    given = board(database, Scope(all_judges=True)).coverage.judges
    most = max(given.values())
    assert board(database).judges == (min(name for name, number in given.items() if number == most),)


@pytest.mark.parametrize(
    "choices", [{"jury": "mean"}, {"method": "judge-aware"}, {"method": "bradley-terry", "cluster": "both"}]
)
def test_what_is_about_several_judges_takes_all(choices: dict[str, Any]) -> None:
    assert set(board(in_memory(), **choices).coverage.judges) == {MAIN.name, OTHER.name}


def test_what_was_left_out_is_counted_and_named() -> None:
    counted = board(in_memory(), baseline="base").coverage
    assert counted.left_out == {"failed": 1}
    assert counted.not_judged == ("unjudged",)
    assert counted.not_ranked == ("far",)
    assert (counted.fewest, counted.most, counted.short) == (OF_SHORT, INSTRUCTIONS, ("best", "short"))
    assert counted.shared == OF_SHORT - 1
    assert (counted.flagged, counted.flagged_are, counted.unaudited) == (("cheat",), "apart", ("near",))
    assert counted.of_flagged > 0
    assert (counted.models, counted.instructions, counted.chosen) == (len(MODELS), INSTRUCTIONS, INSTRUCTIONS)


def test_common_instructions_are_those_that_all_models_that_count_were_judged_on() -> None:
    common = board(in_memory(), Scope(common=True), baseline="base")
    assert (common.coverage.fewest, common.coverage.most, common.coverage.judged) == (OF_SHORT - 1,) * 3
    assert {row.instructions for row in common.ranked if row.model != "base"} == {OF_SHORT - 1}
    assert common.coverage.left_out == {}
    database = in_memory()
    submitted(database, [coverage.instruction(99)], ["lonely", "also"], lambda model, _: model)
    verdicts = coverage.judging(database, MAIN)
    sides = [coverage.Output(coverage.instruction(99).key, model, model) for model in ("lonely", "also")]
    trial = coverage.Trial(MAIN.digest, coverage.Battle.of(coverage.instruction(99), *sides), coverage.Order.AB)
    with database.write() as connection:
        verdicts.add(connection, [coverage.result(trial, coverage.ok(1.0))])
    assert board(database).coverage.shared == 0
    assert board(database).coverage.groups == 2
    with pytest.raises(StatisticsError, match="no instruction is common"):
        board(database, Scope(common=True))


def test_a_category_and_a_language_choose_instructions() -> None:
    counted = board(in_memory(), Scope(category="even")).coverage
    assert (counted.category, counted.chosen, counted.instructions) == ("even", INSTRUCTIONS // 2, INSTRUCTIONS)
    with pytest.raises(UnknownName):
        board(in_memory(), Scope(language="Klingon"))


def test_outputs_and_instructions_of_a_row_are_those_judged() -> None:
    rows = {row.model: row for row in board(in_memory(), baseline="base").rows}
    assert (rows["short"].outputs, rows["short"].instructions, rows["short"].battles) == (OF_SHORT,) * 3
    assert rows["base"].outputs == INSTRUCTIONS


def numbers(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """Of rows what must not move."""
    return [row.columns() for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["win-rate", "bradley-terry", "davidson", "elo", "length-controlled"])
@pytest.mark.parametrize("flagged", [("cheat",), ("cheat", "far"), ("cheat", "far", "short")])
def test_flagged_models_change_no_other_row(method: str, flagged: tuple[str, ...]) -> None:
    """A board with flagged models is the board without them, and a row for each below it."""
    if method == "length-controlled" and len(flagged) > 2:
        pytest.skip("length control needs three models beside the baseline")
    database = in_memory(flagged)
    baseline = "base" if method == "length-controlled" else None
    honest = tuple(model for model in MODELS if model not in flagged)
    with database.read() as connection:
        table = services.scope.scoped_verdicts(connection, BENCHMARK, Scope()).table.among(honest)
    without = services.leaderboards.build(table, Choices(method=method, baseline=baseline))
    shown = board(database, method=method, baseline=baseline)
    marked = {row.model: row.flag for row in shown.ranked if "not audited" in row.flag}
    unmarked = [row | {"flag": row["flag"].replace("not audited", "").rstrip(", ")} for row in numbers(shown.ranked)]
    assert set(marked) == {"near"}
    assert unmarked == numbers(without.rows)
    met = {model for model in flagged if not (baseline and model == "far")}
    below = {row.model: row for row in shown.rows if row.apart}
    assert set(below) == met
    assert shown.rows[: len(without.rows)] == shown.ranked
    assert all("audit: constant-output" in row.flag and row.tier is None for row in below.values())


def test_a_flagged_models_win_rate_is_over_those_that_count() -> None:
    shown = board(in_memory(("cheat", "far")))
    cheat = next(row for row in shown.rows if row.model == "cheat")
    among = [preferred for model in ("base", "best", "near", "short") for preferred in _for_cheat(model)]
    assert cheat.battles == len(among)
    assert cheat.win_rate == pytest.approx(float(np.mean(among)))


def _for_cheat(other: str) -> list[float]:
    a, b = sorted(("cheat", other))
    numbers = range(OF_SHORT if other == "short" else INSTRUCTIONS)
    given = [coverage.preference(number, a, b) for number in numbers]
    return given if a == "cheat" else [1 - each for each in given]


def test_a_flagged_models_rating_stands_on_the_others_scale() -> None:
    shown = board(in_memory(), method="bradley-terry", scale="logit")
    everyone = board(in_memory(), Scope(with_flagged=True), method="bradley-terry", scale="logit")
    rating = {row.model: row.rating for row in shown.rows}
    assert sum(row.rating for row in shown.ranked) == pytest.approx(0.0, abs=1e-9)
    gaps = {row.model: rating["cheat"] - rating[row.model] for row in shown.ranked}
    theirs = {row.model: row.rating for row in everyone.rows}
    among_all = [theirs["cheat"] - theirs[model] for model in gaps]
    assert np.mean(list(gaps.values())) == pytest.approx(np.mean(among_all))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flagged", "scope", "choices", "where"),
    [
        (("cheat",), Scope(with_flagged=True), {}, "wanted"),
        (("cheat", "base"), Scope(), {"baseline": "base"}, "baseline"),
        (tuple(model for model in MODELS if model != "near"), Scope(), {}, "too many"),
    ],
)
def test_flagged_models_count_where_asked_for_or_where_nothing_else_is_left(
    flagged: tuple[str, ...], scope: Scope, choices: dict[str, Any], where: str
) -> None:
    shown = board(in_memory(flagged), scope, **choices)
    assert shown.coverage.flagged_are == where
    assert all(not row.apart for row in shown.rows)
    assert "cheat" in {row.model for row in shown.rows}


def test_other_answers_leave_flagged_models_out_and_say_so() -> None:
    database = in_memory()
    many, answers = services.leaderboards.multiverse(database, BENCHMARK), None
    answers = services.leaderboards.other_answers(database, BENCHMARK, resamples=50)
    for models, counted in ((many.together.models, many.coverage), (answers.models, answers.coverage)):
        assert "cheat" not in models
        assert (counted.flagged, counted.flagged_are, counted.not_ranked) == (("cheat",), "left out", ())
    taken_in = services.leaderboards.multiverse(database, BENCHMARK, scope=Scope(with_flagged=True))
    assert "cheat" in taken_in.together.models


def test_a_flagged_models_verdicts_do_not_choose_the_judge() -> None:
    """Another judge has most verdicts only as it judged the cheat once more."""
    database = in_memory()
    before = board(database)
    verdicts = coverage.judging(database, OTHER)
    extra = [
        coverage.result(replace(trial, order=coverage.Order.BA, repeat=repeat), coverage.ok(1.0))
        for trial in _trials_of("cheat", OTHER)
        for repeat in range(4)
    ]
    with database.write() as connection:
        verdicts.add(connection, extra)
    after = board(database)
    assert sum(board(database, Scope((OTHER.name,))).coverage.judges.values()) > before.coverage.judges[MAIN.name]
    assert list(after.coverage.judges) == [MAIN.name]
    assert numbers(after.ranked) == numbers(before.ranked)
    assert list(board(database, Scope(with_flagged=True)).coverage.judges) == [OTHER.name]


def test_where_nothing_is_flagged_both_ways_of_counting_are_one_table() -> None:
    """So that a page that counts flagged models after a leaderboard reads no verdict again."""
    for flagged, same in (((), True), (("cheat",), False)):
        with in_memory(flagged).read() as connection:
            first = scoped_verdicts(connection, BENCHMARK, EVERYTHING)
            second = scoped_verdicts(connection, BENCHMARK, Scope(with_flagged=True))
        assert (second is first) == same
        assert second.apart == ()


def _trials_of(model: str, judge: coverage.Judge) -> list[coverage.Trial]:
    """The model's trials with all that were judged."""
    return [
        coverage.Trial(judge.digest, coverage.Battle.of(asked, *sides), coverage.Order.BA)
        for asked in map(coverage.instruction, range(INSTRUCTIONS))
        for other in sorted({*MODELS} - {"unjudged", model})
        for sides in [[coverage.Output(asked.key, name, f"{name} says {asked.text[8:-1]}") for name in (model, other)]]
    ]


COUNTED = """
    SELECT v.status, v.preference, a.name AS a, b.name AS b, i.key AS instruction
    FROM verdicts v JOIN judges j ON j.id = v.judge_id JOIN instructions i ON i.id = v.instruction_id
    JOIN outputs oa ON oa.id = v.output_a_id JOIN models a ON a.id = oa.model_id
    JOIN outputs ob ON ob.id = v.output_b_id JOIN models b ON b.id = ob.model_id WHERE j.name = :judge
"""


def stored(database: Database, judge: coverage.Judge, *, flagged: int, baseline: str | None = None) -> list[Any]:
    """The judge's verdicts on battles with the baseline in which at most so many models are flagged."""
    with database.read() as connection:
        rows = connection.execute(sa.text(COUNTED), {"judge": judge.name}).all()
    return [
        row for row in rows if len({"cheat", "far"} & {row.a, row.b}) <= flagged and baseline in (None, row.a, row.b)
    ]


def given(rows: Sequence[Any]) -> tuple[int, int]:
    """How many have a preference, and how many have none."""
    return sum(row.preference is not None for row in rows), sum(row.preference is None for row in rows)


@pytest.mark.parametrize("baseline", [None, "base", "best"])
def test_verdicts_and_failures_are_counted_where_they_count(baseline: str | None) -> None:
    """By what is stored: those of battles with the baseline, and none between two flagged models."""
    database = in_memory(("cheat", "far"))
    counted = board(database, baseline=baseline).coverage
    of_main = stored(database, MAIN, flagged=1, baseline=baseline)
    assert (counted.judges[MAIN.name], sum(counted.left_out.values())) == given(of_main)
    assert counted.other_judges == {OTHER.name: len(stored(database, OTHER, flagged=1, baseline=baseline))}
    common = board(database, Scope(common=True), baseline="base").coverage
    shared = {coverage.instruction(number).key for number in range(OF_SHORT)} - {coverage.instruction(1).key}
    of_base = [row for row in stored(database, MAIN, flagged=1, baseline="base") if row.instruction in shared]
    assert (common.judges[MAIN.name], sum(common.left_out.values())) == given(of_base)


def test_verdicts_on_models_left_out_are_not_counted() -> None:
    database = in_memory(("cheat", "far"))
    counted = services.leaderboards.multiverse(database, BENCHMARK).coverage
    assert (counted.judges[MAIN.name], sum(counted.left_out.values())) == given(stored(database, MAIN, flagged=0))
