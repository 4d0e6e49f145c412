"""The newest audit of a subject counts, and is stale once what it looked at has grown."""

from judgebench import store
from judgebench.records import Output
from judgebench.store.audits import Subject
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import filled, submitted

FINDING = {"severity": "high"}


def test_the_newest_counts_and_the_same_again_adds_nothing(database: Database) -> None:
    filled(database)
    subject = Subject("null-models", 1, judge_digest="d" * 32)
    for passed, rate in ((True, 0.1), (True, 0.1), (False, 0.9)):
        with database.write() as connection:
            document = {"findings": [] if passed else [FINDING], "null_win_rate": rate}
            store.audits.add_audit(connection, subject, passed=passed, document=document)
    with database.read() as connection:
        (newest,) = store.audits.newest_audits(connection, 1)
        assert store.audits.newest_audits(connection, 1, kind="robustness") == []
        assert store.audits.newest_audits(connection, 1, judges=["e" * 32]) == []
    assert (newest.id, newest.passed, newest.high, newest.stale) == (2, False, 1, False)
    assert newest.document["null_win_rate"] == 0.9


def test_an_audit_of_fewer_outputs_than_there_are_is_stale(database: Database) -> None:
    filled(database)
    for extent, stale in ((2, True), (3, False)):
        with database.write() as connection:
            subject = Subject("submissions", 1, model="alpha")
            store.audits.add_audit(connection, subject, passed=True, document={"findings": []}, extent=extent)
        with database.read() as connection:
            assert [audit.stale for audit in store.audits.newest_audits(connection, 1)] == [stale]


def test_an_audit_is_stale_once_there_is_more(database: Database) -> None:
    filled(database)
    about_all, about_alpha = Subject("integrity", 1), Subject("submissions", 1, model="alpha")
    with database.write() as connection:
        for subject in (about_all, about_alpha):
            store.audits.add_audit(connection, subject, passed=True, document={"findings": [FINDING]})
    submitted(database, [instruction(9)], ["beta"], lambda model, number: "more")
    with database.read() as connection:
        stale = {audit.kind: audit.stale for audit in store.audits.newest_audits(connection, 1, only_high=True)}
    assert stale == {"integrity": True, "submissions": False}
    with database.write() as connection:
        store.models.add_outputs(connection, 1, [Output(instruction(9).key, "alpha", "more")])
    with database.read() as connection:
        assert all(audit.stale for audit in store.audits.newest_audits(connection, 1))
