"""Files that messages hold: stored once each, read by their digests, and known to whoever holds them."""

import sqlalchemy as sa

from judgebench import store
from judgebench.conversations import Blob
from judgebench.store import schema as t
from judgebench.store.database import Database
from tests.filling import filled

ONE, TWO = Blob("image/png", b"\0one"), Blob("audio/wav", b"two" * 1000)


def test_files_are_stored_once_and_read_by_digest(database: Database) -> None:
    with database.write() as connection:
        assert store.blobs.add(connection, {ONE.digest: ONE, TWO.digest: TWO}) == 2
        assert store.blobs.add(connection, {ONE.digest: ONE}) == 0
    with database.read() as connection:
        assert store.blobs.read(connection, [ONE.digest, "0" * 64, ONE.digest]) == {ONE.digest: ONE}
        sizes = connection.execute(sa.select(t.blobs.c.media_type, t.blobs.c.size).order_by(t.blobs.c.id)).all()
    assert [tuple(row) for row in sizes] == [("image/png", 4), ("audio/wav", 3000)]


def test_uses_of_a_file_that_is_not_stored_are_left_out(database: Database) -> None:
    filled(database)
    with database.write() as connection:
        store.blobs.add(connection, {ONE.digest: ONE})
        store.blobs.use(connection, [(ONE.digest, 1, None), (ONE.digest, 1, 1), (TWO.digest, 1, 1)])
    with database.read() as connection:
        uses = connection.execute(sa.select(t.blob_uses.c.instruction_id, t.blob_uses.c.output_id)).all()
    assert sorted(map(str, uses)) == ["(1, 1)", "(1, None)"]
