"""Runs and the batches that they were written into."""

from dataclasses import asdict

import pytest

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.records import Order
from judgebench.store.database import Database
from judgebench.store.runs import BatchTrial
from tests.factories import JUDGE, failed, ok, result, trial
from tests.filling import filled, judging


def test_the_last_study_of_a_judge_is_found(database: Database) -> None:
    filled(database)
    with database.read() as connection:
        assert store.runs.last_specification(connection, "judge") == ("run", {})
        assert store.runs.last_specification(connection, "other") is None
    with database.write() as connection:
        for kind, limit in (("run", 7), ("import", 8)):
            asked = {"judge": {"model": "gpt"}, "limit": limit}
            store.runs.start_run(connection, benchmark_id=1, judge_id=1, kind=kind, specification=asked)
        store.runs.finish_run(connection, 2)
    with database.read() as connection:
        assert store.runs.last_specification(connection, "judge") == ("run", {"judge": {"model": "gpt"}, "limit": 7})
        assert [run.id for run in store.runs.runs(connection)] == [3, 2, 1]
        assert [run.finished_at is None for run in store.runs.runs(connection)] == [True, False, True]


def test_a_batch_awaits_what_its_run_has_not_stored(database: Database) -> None:
    verdicts = filled(database)
    asked = [trial(number, order) for number in range(3) for order in Order]
    keys = [each.key for each in asked]
    with database.write() as connection:
        outputs = store.benchmarks.stored_outputs(connection, 1, [each.battle.instruction.key for each in asked])
        trials = [BatchTrial.of(each) for each in asked[:4]]
        store.runs.add_batch(connection, name="one", run_id=1, digest="0" * 64, trials=trials, outputs=outputs)
        verdicts.add(connection, [result(asked[0], ok(1.0)), result(asked[1], failed(), reply=None)])
    with database.read() as connection:
        assert store.runs.awaited(connection, keys) == set(keys[2:4])
        batch = store.runs.batch(connection, "one")
        assert (batch.requests, batch.answered, batch.closed, batch.judge_digest) == (4, 2, False, JUDGE.digest)
        trials = store.runs.batch_trials(connection, batch, keys)
        assert {key: each.key for key, each in trials.items()} == {key: key for key in keys[:4]}
        with pytest.raises(UnknownName, match="did you mean 'one'"):
            store.runs.batch(connection, "onne")


def test_what_came_stays_answered_whatever_came_of_it_later(database: Database) -> None:
    """A trial that failed in the batch and was asked by another run has its result all the same."""
    verdicts = filled(database)
    with database.write() as connection:
        outputs = store.benchmarks.stored_outputs(connection, 1, [trial().battle.instruction.key])
        trials = [BatchTrial.of(trial())]
        store.runs.add_batch(connection, name="one", run_id=1, digest="0" * 64, trials=trials, outputs=outputs)
        verdicts.add(connection, [result(trial(), failed(), reply=None)])
    later = judging(database)
    with database.write() as connection:
        later.add(connection, [result(trial(), ok(1.0))])
    with database.read() as connection:
        assert store.runs.batch(connection, "one").answered == 1
        assert store.runs.awaited(connection, [trial().key]) == set()
        newer, older = store.runs.runs(connection)
    assert (older.ended, newer.ended) == ({"failed": 1}, {"ok": 1})
    assert asdict(newer)["ended"] == {"ok": 1}


def test_a_closed_batch_awaits_nothing(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        outputs = store.benchmarks.stored_outputs(connection, 1, [trial().battle.instruction.key])
        trials = [BatchTrial.of(trial())]
        store.runs.add_batch(connection, name="one", run_id=1, digest="0" * 64, trials=trials, outputs=outputs)
        batch = store.runs.batch(connection, "one")
        store.runs.set_submitted(connection, batch, "batch_7")
        store.runs.set_closed(connection, batch)
    with database.read() as connection:
        (batch,) = store.runs.batches(connection)
        assert (batch.server_id, batch.closed) == ("batch_7", True)
        assert store.runs.awaited(connection, [trial().key]) == set()
