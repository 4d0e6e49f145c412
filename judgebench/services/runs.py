"""What every run stored, and what it cost."""

from judgebench import store
from judgebench.store.database import Database
from judgebench.store.runs import RunSummary

__all__ = ["RunSummary", "runs"]


def runs(database: Database) -> list[RunSummary]:
    """All runs, the newest first."""
    with database.read() as connection:
        return store.runs.runs(connection)
