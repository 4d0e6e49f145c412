"""What statistics work on is what is stored."""

import gc
import weakref
from dataclasses import replace

import pytest

from judgebench import store
from judgebench.records import Model, Order, Output, Source, Status, Verdict
from judgebench.store.database import Database
from tests.factories import JUDGE, failed, instruction, ok, result, trial
from tests.filling import filled, judged, judged_samples, judging, sampled


def test_the_table_holds_preferences_and_counts_the_rest(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(
            connection,
            [
                result(trial(0), ok(1.0)),
                result(trial(0, Order.BA), ok(0.5)),
                result(trial(1), failed(), reply=None),
                result(trial(2), Verdict(Status.UNPARSED, Source.NONE, detail="?", parser="1")),
            ],
        )
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        stored = store.arrays.verdict_table(connection, benchmark)
        one_category = store.arrays.verdict_table(connection, benchmark, judges=["judge"], category="c1")
    table = stored.table
    assert table.models == ("alpha", "beta")
    assert [table.models[code] for code in table.model_a] == ["alpha", "alpha"]
    assert table.order.tolist() == [0, 1]
    assert table.preference.tolist() == [1.0, 0.5]
    assert table.length_a.tolist() == [len("alpha says 0")] * 2
    assert {table.instructions[code] for code in table.instruction} == {instruction(0).key}
    assert stored.left_out == {Status.FAILED: 1, Status.UNPARSED: 1}
    assert len(one_category.table) == 0
    assert one_category.left_out == {Status.FAILED: 1}


@pytest.mark.slow
def test_a_table_is_read_once_in_a_snapshot_while_it_is_held_and_anew_where_somebody_writes(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        verdicts.add(connection, [result(trial(0), ok(1.0))])
        before = store.arrays.verdict_table(connection, benchmark)
        verdicts.add(connection, [result(trial(1), ok(0.0))])
        after = store.arrays.verdict_table(connection, benchmark)
    assert [len(stored.table) for stored in (before, after)] == [1, 2]
    with database.read() as connection:
        held = store.arrays.verdict_table(connection, benchmark)
        assert store.arrays.verdict_table(connection, benchmark) is held
        assert len(store.arrays.verdict_table(connection, benchmark, newest=1).table) == 1
        assert len(store.arrays.verdict_table(connection, benchmark, judges=["nobody"]).table) == 0
    with database.read() as connection:
        assert store.arrays.verdict_table(connection, benchmark) is not held
    alive = weakref.ref(held)
    del held
    gc.collect()
    assert alive() is None


def test_style_is_the_mean_over_a_models_samples(database: Database) -> None:
    filled(database)
    key = instruction(0).key
    more = [Output(key, "gamma", text, sample=number) for number, text in enumerate(("# one\n# two", "none"))]
    with database.write() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        store.models.add_model(connection, Model("gamma"))
        store.models.add_outputs(connection, benchmark, more)
        counts = store.arrays.style_counts(connection, benchmark, models=["alpha", "gamma"], instructions=[key])
    assert counts["headers"].tolist() == [[0.0, 1.0]]


def test_verdicts_tell_which_samples_they_are_about_where_there_are_any(database: Database) -> None:
    sampled(database)
    judged_samples(database, "first")
    judged_samples(database, orders=(Order.BA,))
    with database.read() as connection:
        stored = store.arrays.verdict_table(connection, store.benchmarks.benchmark_id(connection, "bench"))
    both = [(0, 0), (1, 1), (1, 1)] * 6  # the judge is silent on the first sample in one order
    assert [tuple(pair) for pair in stored.table.samples.tolist()] == both + [(1, 1)] * 6
    assert stored.table.select(stored.table.order == 0).samples.tolist() == [[0, 0], [1, 1]] * 6


def test_nothing_is_kept_of_samples_where_there_are_none(database: Database) -> None:
    judged(database)
    with database.read() as connection:
        assert store.arrays.verdict_table(connection, 1).table.samples is None


def test_who_may_have_most_verdicts_is_told_by_a_few_of_them(database: Database) -> None:
    sampled(database)
    with database.read() as connection:
        bench = store.benchmarks.benchmark_id(connection, "bench")
        assert store.arrays.likely_judges(connection, bench) == ()
    judged_samples(database, "one")
    few = judging(database, replace(JUDGE, name="few", model="few"))
    with database.write() as connection:
        few.add(connection, [result(trial(0), ok(1.0))])
    with database.read() as connection:
        assert store.arrays.likely_judges(connection, bench) == ("one",)
    judged_samples(database, "another", orders=(Order.AB,))
    with database.read() as connection:  # half as many among so few may be as many among all
        assert store.arrays.likely_judges(connection, bench) == ("another", "one")
