"""What the app asks of ``queries`` beyond the command line: versions, runs and pairs."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from app.pairs import cells
from judgebench import services, store
from judgebench.errors import UnknownName
from judgebench.records import Order, Status
from judgebench.store.database import Database
from tests.factories import failed, filled, ok, result, trial


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
    (run,) = services.runs.runs(database)
    assert (run.benchmark, run.judge, run.kind, run.finished_at) == ("bench", "judge", "run", None)
    assert run.ended == {Status.OK: 1, Status.FAILED: 1}
    assert run.cost_usd == pytest.approx(0.01)


def test_runs_count_what_is_new_beside_what_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("judgebench.services.runs"), "BLOCK", 2)
    verdicts = filled(database)
    for number, preference in enumerate((1.0, 0.5, 0.0)):
        with database.write() as connection:
            verdicts.add(connection, [result(trial(number, order), ok(preference)) for order in Order])
        (run,) = services.runs.runs(database)
        assert sum(run.ended.values()) == 2 * number + 2
        assert run.cost_usd == pytest.approx(0.02 * (number + 1))
    assert run.ended == {Status.OK: 4, Status.TIE: 2}


def test_a_matrix_holds_the_pairs_that_met_in_the_order_asked_for(database: Database) -> None:
    verdicts = filled(database, models=("alpha", "beta", "gamma"))
    with database.write() as connection:
        verdicts.add(connection, [result(trial(0, order), ok(0.75)) for order in Order])
    found = services.leaderboards.matrix(database, "bench")
    assert np.isnan(found.rate[0, 2])
    one, other = cells(found, ["beta", "alpha"])
    assert (one.row, one.column, one.percent, one.battles) == (0, 1, 25.0, 1)
    assert other.percent == 75.0
    with pytest.raises(UnknownName):
        services.leaderboards.matrix(database, "bench", category="none")


def test_a_board_of_one_database_file_is_not_shown_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pytest.importorskip("app.data", reason="the app needs the extra app")
    path = tmp_path / "a.db"
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    versions = []
    for models in (("alpha", "beta"), ("gamma", "delta")):
        for file in tmp_path.glob("a.db*"):
            file.rename(tmp_path / f"old-{file.name}")
        opened = Database(str(path), create=True)
        filled(opened, models=models)
        opened.close()
        versions.append(data.source())
        assert set(data.benchmarks(versions[-1])[0].models) == set(models)
    assert versions[0] != versions[1]
