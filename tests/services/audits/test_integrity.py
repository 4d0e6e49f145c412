"""Verdicts of a real database: borne out by their completions, and the same after a copy."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench import store
from judgebench.errors import UnknownName
from judgebench.records import Order
from judgebench.services.audits.integrity import integrity
from judgebench.services.audits.registry import Asking, IntegrityAudit
from judgebench.spec import load_template
from judgebench.store import schema as t
from judgebench.store import transfer
from judgebench.store.database import Connection, Database
from tests.factories import JUDGE, ok, result, trial
from tests.filling import crammed, filled, lose


@pytest.fixture
def stored(tmp_path: Path) -> Database:
    database = Database(str(tmp_path / "judgebench.db"), create=True)
    opened = filled(database, instructions=12)
    with database.write() as connection:
        opened.add(connection, [result(trial(n, order), ok(1.0)) for n in range(12) for order in Order])
    return database


def test_a_stored_benchmark_survives_the_round_trip(stored: Database) -> None:
    report = integrity(stored, IntegrityAudit(benchmark="bench"), Asking({}))
    assert report.passed
    assert not report.findings
    assert "has changed since" in report.notes[0]  # the factory's judge has a made-up digest
    stored.close()


def test_what_a_completion_does_not_bear_out_is_found(stored: Database) -> None:
    with stored.write() as connection:
        digest = load_template(JUDGE.template).digest
        connection.execute(sa.update(t.judges).values(template_digest=digest))
        connection.execute(sa.update(t.verdicts).where(t.verdicts.c.id == 1).values(preference=0.0))
    report = integrity(stored, IntegrityAudit(benchmark="bench", round_trip=False), Asking({}))
    wrong = {finding.rule: finding.estimate.value for finding in report.findings}
    # Every reply is "A": right where A was shown first, and wrong for the other order, which says ok(1.0) too.
    assert wrong["not-borne-out"] == pytest.approx((12 + 1) / 24)
    assert not report.passed
    stored.close()


def test_unknown_benchmark(stored: Database) -> None:
    with pytest.raises(UnknownName):
        integrity(stored, IntegrityAudit(benchmark="bnch"), Asking({}))
    stored.close()


@pytest.mark.parametrize("table", ["completions", "runs"])
def test_rows_that_are_gone_are_failures(tmp_path: Path, table: str) -> None:
    database = Database(str(tmp_path / "a.db"), create=True)
    crammed(database)
    lose(database, table)
    with database.read() as connection:
        name = connection.scalar(sa.select(t.benchmarks.c.name).order_by(t.benchmarks.c.id))
    report = integrity(database, IntegrityAudit(benchmark=str(name)), Asking({}))
    assert any("lost their completions" in line for line in report.failures) == (table == "completions")
    assert any("could not be copied" in line for line in report.failures)
    database.close()


def test_what_others_store_meanwhile_is_no_difference(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = transfer.copy_snapshot

    def meanwhile(reading: Connection, address: str) -> dict[str, int]:
        counts = copy(reading, address)
        with stored.write() as connection:
            store.benchmarks.add_benchmark(connection, "later")
        return counts

    monkeypatch.setattr(transfer, "copy_snapshot", meanwhile)
    assert integrity(stored, IntegrityAudit(benchmark="bench"), Asking({})).passed
    stored.close()
