"""Files that messages hold by their digest: each stored once, with which messages hold it.

They lie in the database. Nothing is deleted here: what no message holds any more is what ``blob_uses`` lacks.
"""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from judgebench.conversations import Blob
from judgebench.store import schema as t
from judgebench.store.database import AMONG, now, rows_among


def add(connection: sa.Connection, blobs: Mapping[str, Blob]) -> int:
    """Store files by their digests; returns how many were not there."""
    known = set(_ids(connection, list(blobs)))
    written = now()
    new = [
        {
            "digest": digest,
            "media_type": blob.media_type,
            "size": len(blob.data),
            "created_at": written,
            "bytes": blob.data,
        }
        for digest, blob in blobs.items()
        if digest not in known
    ]
    if new:
        connection.execute(sa.insert(t.blobs), new)
    return len(new)


def use(connection: sa.Connection, uses: Sequence[tuple[str, int, int | None]]) -> None:
    """Note that messages hold files: each a digest, and the ids of the instruction and of the output, if it is one's.

    A file that is not stored is left out: its messages came without it.
    """
    ids = _ids(connection, [digest for digest, _, _ in uses])
    rows = [
        {"blob_id": ids[digest], "instruction_id": instruction, "output_id": output}
        for digest, instruction, output in uses
        if digest in ids
    ]
    if rows:
        connection.execute(sa.insert(t.blob_uses), rows)


def read(connection: sa.Connection, digests: Sequence[str]) -> dict[str, Blob]:
    """Those of the files that are stored, by digest."""
    b = t.blobs.c
    query = sa.select(b.digest, b.media_type, b.bytes).where(b.digest.in_(AMONG))
    rows = rows_among(connection, query, list(dict.fromkeys(digests)))
    return {row.digest: Blob(row.media_type, bytes(row.bytes)) for row in rows if row.bytes is not None}


def _ids(connection: sa.Connection, digests: Sequence[str]) -> dict[str, int]:
    query = sa.select(t.blobs.c.digest, t.blobs.c.id).where(t.blobs.c.digest.in_(AMONG))
    return {row.digest: row.id for row in rows_among(connection, query, list(dict.fromkeys(digests)))}
