"""What the tables of ``schema`` have in common: how they are named, columns that several have, what threads share."""

from typing import Any, TypeVar

from sqlalchemy import BigInteger, CheckConstraint, Column, FromClause, Integer, MetaData, String, Text

from judgebench.records import Source, Status

_Named = TypeVar("_Named", bound=FromClause)
KEY = String(32)
# Ids hold beyond two thousand million; SQLite counts rows by its INTEGER alone, which has 64 bits.
ID = BigInteger().with_variant(Integer, "sqlite")
TIME = String(32)  # ISO 8601, UTC: the same text on both engines


def shared(table: _Named) -> _Named:
    """A table by another name, or a query as one, which threads may use for the first time at once.

    Its columns are made when they are first asked for. Threads that ask together would each get their own, and a query
    of one that names columns of another thread's is refused as one that joins two tables.
    """
    _ = table.c  # asks for them
    return table


def one_of(column: str, values: type[Status] | type[Source]) -> str:
    """Alternatives rather than a list, of which SQLite would make a table at each insertion."""
    return " OR ".join(f"{column} = {str(value)!r}" for value in values)


def span() -> tuple[Column[Any] | CheckConstraint, ...]:
    """A step, or a single place, of an output."""
    return (
        Column("start", Integer, nullable=False),  # characters of the output's text before it
        Column("stop", Integer, nullable=False),  # and up to its end
        Column("rating", String(16)),  # null: it is a fault of the kind beside it
        Column("kind", Text),
        Column("reason", Text),
        CheckConstraint("start >= 0 AND stop > start", name="place"),
        CheckConstraint("rating IN ('good', 'neutral', 'bad')", name="rating"),
        CheckConstraint("rating IS NOT NULL OR kind IS NOT NULL", name="filled"),
    )


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
