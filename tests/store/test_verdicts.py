"""Verdicts are appended, a revision at a time, and what is read is in force."""

import json

import numpy as np
import sqlalchemy as sa

from judgebench import store
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import Source, Status, Verdict
from judgebench.store import schema as tables
from judgebench.store.database import Database
from judgebench.store.transfer import check
from judgebench.store.verdicts import add_reparsed
from tests.factories import failed, ok, result, trial
from tests.filling import filled, judging


def test_a_verdict_is_stored_once_however_often_it_is_handed_over(database: Database) -> None:
    verdicts = filled(database)
    one = result(trial(0), ok(1.0))
    with database.write() as connection:
        assert verdicts.add(connection, [one, one]) == store.database.Stored(1, 1)
        assert verdicts.add(connection, [one]) == store.database.Stored(0, 1)
    assert check(database).rows["verdicts"] == check(database).rows["completions"] == 1


def test_only_a_failure_gets_a_further_revision(database: Database) -> None:
    verdicts = filled(database)
    asked = trial(0)
    with database.write() as connection:
        verdicts.add(connection, [result(asked, failed(), reply=None)])
        verdicts.add(connection, [result(asked, ok(0.25))])
        verdicts.add(connection, [result(asked, ok(1.0))])
    with database.read() as connection:
        assert store.verdicts.revisions(connection, 1, [asked.key]) == {asked.key: (1, Status.OK)}
        stored = store.arrays.verdict_table(connection, store.benchmarks.benchmark_id(connection, "bench"))
    assert stored.table.preference.tolist() == [0.25]
    assert stored.left_out == {}


def test_what_others_stored_meanwhile_is_kept_and_the_rest_of_a_batch_stored(database: Database) -> None:
    mine, theirs = filled(database, 4), judging(database)
    with database.write() as connection:
        theirs.add(connection, [result(trial(1), ok(0.0)), result(trial(2), failed(), reply=None)])
    with database.write() as connection:
        batch = [result(trial(number), ok(1.0)) for number in range(4)]
        assert mine.add(connection, batch) == store.database.Stored(3, 1)
        assert mine.add(connection, batch) == store.database.Stored(0, 4)
    keys = [trial(number).key for number in range(4)]
    with database.read() as connection:
        stored = store.verdicts.preferences(connection, 1, keys)
        revisions = store.verdicts.revisions(connection, 1, keys)
    assert [stored[key] for key in keys] == [1.0, 0.0, 1.0, 1.0]
    assert [revisions[key][0] for key in keys] == [0, 0, 1, 0]
    checked = check(database)
    assert checked.problems == ()
    assert (checked.rows["verdicts"], checked.rows["completions"]) == (5, 4)


def test_reading_again_appends_a_revision_and_keeps_the_completion(database: Database) -> None:
    verdicts = filled(database)
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0), Verdict(Status.UNPARSED, Source.NONE, parser="1"))])
    with database.read() as connection:
        [reply] = store.battles.unread(connection, "judge", f"not {PARSER_VERSION}")
    with database.write() as connection:
        better = Verdict(Status.OK, Source.LABEL, 1.0, parser="2")
        assert add_reparsed(connection, {reply.verdict_id: better}) == 1
    with database.read() as connection:
        assert list(store.battles.unread(connection, "judge", "2")) == []
        stored = store.arrays.verdict_table(connection, store.benchmarks.benchmark_id(connection, "bench"))
    assert stored.table.preference.tolist() == [1.0]
    assert check(database).rows["verdicts"] == 2


def test_two_writers_at_once_lose_nothing(address: str) -> None:
    import threading

    database = Database(address, create=True)
    verdicts = filled(database, instructions=40)
    results = [result(trial(number), ok(1.0)) for number in range(40)]

    def write(own: Database) -> None:
        for each in results:
            with own.write() as connection:
                verdicts.add(connection, [each])

    threads = [threading.Thread(target=write, args=(Database(address),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check(database).rows["verdicts"] == 40
    assert check(database).problems == ()
    with database.read() as connection:
        ids = connection.scalars(sa.select(tables.verdicts.c.id)).all()
    assert sorted(ids) == list(np.arange(1, 41))
    assert json.dumps(check(database).rows)
