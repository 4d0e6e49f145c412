"""The version of a database changes whenever anything is stored."""

from dataclasses import replace

import pytest

from judgebench import services, store
from judgebench.records import Order, Status
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.store.database import Database
from tests.factories import JUDGE, failed, ok, result, trial
from tests.filling import filled


def test_the_version_changes_with_every_write_and_not_without(database: Database) -> None:
    seen = [services.benchmarks.version(database)]
    verdicts = filled(database)
    seen.append(services.benchmarks.version(database))
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(1.0))])
    seen.append(services.benchmarks.version(database))
    with database.write() as connection:
        store.runs.finish_run(connection, 1)
    seen.append(services.benchmarks.version(database))
    assert len(set(seen)) == len(seen)
    assert services.benchmarks.version(database) == seen[-1]


def test_runs_count_what_they_stored(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), ok(1.0)), result(trial(1), failed(), reply=None)])
    (run,) = services.benchmarks.runs(database)
    assert (run.benchmark, run.judge, run.kind, run.finished_at) == ("bench", "judge", "run", None)
    assert run.ended == {Status.OK: 1, Status.FAILED: 1}
    assert run.cost_usd == pytest.approx(0.01)


def test_runs_count_what_is_new_beside_what_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.blocks, "BLOCK", 2)
    verdicts = filled(database)
    for number, preference in enumerate((1.0, 0.5, 0.0)):
        with database.write() as connection:
            verdicts.add(connection, [result(trial(number, order), ok(preference)) for order in Order])
        (run,) = services.benchmarks.runs(database)
        assert sum(run.ended.values()) == 2 * number + 2
        assert run.cost_usd == pytest.approx(0.02 * (number + 1))
    assert run.ended == {Status.OK: 4, Status.TIE: 2}


def test_a_judge_of_whom_only_a_batch_was_written_has_no_verdict(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), failed(), reply=None)])
        other = store.judges.add_judge(connection, replace(JUDGE, name="other", model="other"))
        store.runs.start_run(connection, benchmark_id=1, judge_id=other, kind="batch", specification={})
    with database.read() as connection:
        assert store.verdicts.judge_names(connection, 1) == ["judge"]
    (summary,) = services.benchmarks.benchmarks(database)
    assert (summary.judges, summary.verdicts) == (("judge",), 1)


@pytest.mark.parametrize(
    ("verdicts", "usual"), [({"a": 0, "b": 2}, "b"), ({"b": 2, "a": 2, "c": 1}, "a"), ({"b": 0, "a": 0}, "a")]
)
def test_the_usual_benchmark_has_most_verdicts(verdicts: dict[str, int], usual: str) -> None:
    summaries = [BenchmarkSummary(name, 9, (), (), (), count) for name, count in verdicts.items()]
    assert services.benchmarks.usual(summaries).name == usual
