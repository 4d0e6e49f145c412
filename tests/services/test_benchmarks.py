"""The version of a database changes whenever anything is stored."""

from judgebench import services, store
from judgebench.store.database import Database
from tests.factories import ok, result, trial
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
