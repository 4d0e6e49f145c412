"""A trial is one run's at a time, until it gives it back, does not renew it, or is gone."""

import time

import pytest
import sqlalchemy as sa

from judgebench.store import claims
from judgebench.store import schema as t
from judgebench.store.claims import Holder
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.filling import filled, judging

KEYS = [f"{number:032x}" for number in range(600)]  # more than one list in SQL holds
ONE, OTHER = Holder(1, "host 1"), Holder(2, "host 2")


@pytest.fixture
def runs(database: Database) -> Database:
    """A database with two runs."""
    filled(database)
    judging(database)
    return database


def claim(
    database: Database, holder: Holder, keys: list[str], *, lease_s: float = 60, keep: list[str] | None = None
) -> set[str]:
    with database.write() as connection:
        gone = lambda process: process == "gone"  # noqa: E731
        return claims.claim(connection, holder, keys, keep=keep or [], lease_s=lease_s, is_gone=gone)


def held(database: Database) -> set[str]:
    with database.read() as connection:
        return claims.held(connection, KEYS, lambda process: process == "gone")


def test_what_one_holds_the_other_does_not_get(runs: Database) -> None:
    assert claim(runs, ONE, KEYS[:400]) == set(KEYS[:400])
    assert claim(runs, OTHER, KEYS) == set(KEYS[400:])
    assert held(runs) == set(KEYS)


def test_those_who_are_no_run_are_told_apart_by_their_names(runs: Database) -> None:
    one, other = Holder(None, "host 1 a"), Holder(None, "host 1 b")
    assert claim(runs, one, KEYS[:2]) == set(KEYS[:2])
    assert claim(runs, other, KEYS[:3]) == {KEYS[2]}
    assert claim(runs, Holder(1, "host 1 a"), KEYS[:3]) == set()
    with runs.write() as connection:
        assert claims.renew(connection, one, 60) == 2
        claims.release(connection, one)
    assert held(runs) == {KEYS[2]}


def test_a_claim_is_given_back_with_the_next_unless_it_is_kept(runs: Database) -> None:
    claim(runs, ONE, KEYS[:4])
    assert claim(runs, ONE, KEYS[4:6], keep=KEYS[:1]) == set(KEYS[4:6])
    assert claim(runs, OTHER, KEYS[:6]) == set(KEYS[1:4])
    with runs.write() as connection:
        claims.release(connection, ONE)
    assert held(runs) == set(KEYS[1:4])


@pytest.mark.parametrize("how", ["lapsed", "gone"])
def test_what_nobody_holds_any_more_is_free(runs: Database, how: str) -> None:
    claim(runs, ONE if how == "lapsed" else Holder(1, "gone"), KEYS, lease_s=-1 if how == "lapsed" else 60)
    assert held(runs) == set()
    assert claim(runs, OTHER, KEYS[:3]) == set(KEYS[:3])
    with runs.read() as connection:
        left = connection.execute(sa.select(t.metadata.tables["claims"].c.run_id)).all()
    assert [tuple(row) for row in left] == 3 * [(2,)]


def test_a_claim_that_was_lost_is_not_kept(runs: Database) -> None:
    claim(runs, ONE, KEYS[:2], lease_s=-1)
    claim(runs, OTHER, KEYS[:1])
    assert claim(runs, ONE, KEYS[2:3], keep=KEYS[:2]) == {KEYS[2]}
    assert claim(runs, OTHER, KEYS[:3], keep=KEYS[:1]) == {KEYS[0]}


def test_a_claim_that_is_renewed_lasts(runs: Database) -> None:
    claim(runs, ONE, KEYS[:1], lease_s=0.2)
    with runs.write() as connection:
        claims.renew(connection, ONE, 60)
    time.sleep(0.3)
    assert claim(runs, OTHER, KEYS[:1]) == set()


def test_a_clock_that_was_set_back_prolongs_no_claim(runs: Database) -> None:
    claim(runs, ONE, KEYS[:2], lease_s=3600)
    assert claim(runs, OTHER, KEYS[:1], lease_s=0.2) == set()
    time.sleep(0.3)
    assert claim(runs, OTHER, KEYS[:2]) == set(KEYS[:2])


def test_renewing_counts_what_is_left(runs: Database) -> None:
    claim(runs, ONE, KEYS[:3], lease_s=-1)
    claim(runs, OTHER, KEYS[:1])
    with runs.write() as connection:
        assert [claims.renew(connection, holder, 60) for holder in (ONE, OTHER)] == [0, 1]


@pytest.mark.parametrize("how", ["lapsed", "gone"])
def test_what_killed_runs_held_is_cleared_and_nothing_else(runs: Database, how: str) -> None:
    claim(runs, ONE if how == "lapsed" else Holder(1, "gone"), KEYS[:2], lease_s=-1 if how == "lapsed" else 60)
    with runs.write() as connection:
        claims.clear(connection, lambda process: process == "gone")
    claim(runs, OTHER, KEYS[2:3])
    with runs.write() as connection:
        claims.clear(connection, lambda process: process == "gone")
        left = connection.execute(sa.select(t.metadata.tables["claims"].c.trial_key)).all()
    assert [tuple(row) for row in left] == [(KEYS[2],)]


def test_claims_of_a_run_that_was_killed_are_no_damage_and_said(runs: Database) -> None:
    claim(runs, ONE, KEYS[:3])
    assert check(runs).notes == ()
    claim(runs, ONE, KEYS[:3], lease_s=-1)
    found = check(runs)
    assert found.problems == ()
    assert found.notes == ("3 trials are still claimed by runs that were killed: the next run takes them",)
