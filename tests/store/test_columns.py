"""What tables have in common: a span is checked alike wherever it is stored."""

import pytest
import sqlalchemy as sa

from judgebench.errors import DatabaseError
from judgebench.store import schema
from judgebench.store.columns import metadata
from judgebench.store.database import Database
from tests.filling import filled


def test_every_table_is_in_the_one_metadata() -> None:
    assert schema.metadata is metadata


@pytest.mark.parametrize(
    "values", [{"start": 3, "stop": 3}, {"start": -1}, {"rating": "fine"}, {"rating": None, "kind": None}]
)
def test_a_span_that_is_none_cannot_be_stored(database: Database, values: dict[str, object]) -> None:
    filled(database)
    good = {"start": 0, "stop": 3, "rating": "bad", "number": 0}
    about = {"output_id": 1, "annotator": "ann", "source": "f", "created_at": "2026"}
    with database.write() as connection:
        connection.execute(sa.insert(schema.marks).values(**good, **about))
    with pytest.raises(DatabaseError), database.write() as connection:
        connection.execute(sa.insert(schema.marks).values(**(good | {"number": 1} | values), **about))
