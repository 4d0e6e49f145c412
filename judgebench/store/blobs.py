"""Files that messages hold by their digest: each stored once, with which messages hold it.

They lie in the database. Nothing is deleted here: what no message holds any more is what ``blob_uses`` lacks.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import sqlalchemy as sa

from judgebench import images
from judgebench.conversations import Blob
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.database import now


def add(connection: sa.Connection, blobs: Mapping[str, Blob]) -> int:
    """Store files by their digests; returns how many were not there."""
    known = set(_ids(connection, list(blobs)))
    written = now()
    new = [
        {
            "digest": digest,
            "media_type": blob.media_type,
            "size": len(blob.data),
            **_pixels(blob),
            "created_at": written,
            "bytes": blob.data,
        }
        for digest, blob in blobs.items()
        if digest not in known
    ]
    if new:
        connection.execute(sa.insert(t.blobs), new)
    return len(new)


def _pixels(blob: Blob) -> dict[str, int | None]:
    """Width and height of an image; neither of anything else."""
    size = _size(blob.data)
    return {"width": None, "height": None} if size is None else {"width": size[0], "height": size[1]}


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        measures = images.measured(data)
    except images.UnusableImage:
        return None
    return measures.width, measures.height


def measures(connection: sa.Connection, digests: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of those that are stored and images, by digest."""
    b = t.blobs.c
    query = sa.select(b.digest, b.width, b.height).where(among(b.digest), b.bytes.is_not(None))
    rows = rows_among(connection, query, list(dict.fromkeys(digests)))
    known = {row.digest: None if row.width is None or row.height is None else (row.width, row.height) for row in rows}
    untold = [digest for digest, size in known.items() if size is None]  # they came before sizes were noted
    told = {digest: _size(blob.data) for digest, blob in read(connection, untold).items()} if untold else {}
    return {digest: size for digest, size in (known | told).items() if size is not None}


def frames(connection: sa.Connection, digests: Sequence[str]) -> dict[str, int]:
    """Of stored images how many frames they have, by digest, of those that have several; whole files are read only of
    those that may."""
    b = t.blobs.c
    query = sa.select(b.digest, sa.func.substr(b.bytes, 1, images.BEGINNING).label("beginning"))
    query = query.where(among(b.digest), b.bytes.is_not(None))
    rows = rows_among(connection, query, list(dict.fromkeys(digests)))
    moving = [row.digest for row in rows if images.may_move(bytes(row.beginning))]
    counted: dict[str, int] = {}
    for digest in moving:  # one in memory at a time
        with suppress(images.UnusableImage):
            counted[digest] = images.measured(read(connection, [digest])[digest].data).frames
    return {digest: number for digest, number in counted.items() if number > 1}


def any_images(connection: sa.Connection, benchmark: int) -> bool:
    """Whether instructions of the benchmark, or outputs to them, hold images whose bytes are stored."""
    b, u, i = t.blobs.c, t.blob_uses.c, t.instructions.c
    query = (
        sa.select(u.id)
        .join(t.blobs, b.id == u.blob_id)
        .join(t.instructions, i.id == u.instruction_id)
        .where(i.benchmark_id == benchmark, b.bytes.is_not(None), b.width.is_not(None) | b.media_type.like("image/%"))
    )
    return connection.scalar(query.limit(1)) is not None


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
    query = sa.select(b.digest, b.media_type, b.bytes).where(among(b.digest))
    rows = rows_among(connection, query, list(dict.fromkeys(digests)))
    return {row.digest: Blob(row.media_type, bytes(row.bytes)) for row in rows if row.bytes is not None}


def _ids(connection: sa.Connection, digests: Sequence[str]) -> dict[str, int]:
    query = sa.select(t.blobs.c.digest, t.blobs.c.id).where(among(t.blobs.c.digest))
    return {row.digest: row.id for row in rows_among(connection, query, list(dict.fromkeys(digests)))}
