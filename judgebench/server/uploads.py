"""Files of outputs as bodies of requests: kept under a name of ours while they are read, then forgotten."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from judgebench.formats.reading import NamedPath
from judgebench.web.bodies import LAST

_ENDINGS = {  # by the type that a request says of its body
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/json": ".json",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
TYPES = tuple(_ENDINGS)
_PACKED = {"": "", "identity": "", "gzip": ".gz", "zstd": ".zst"}  # unpacked by the reader, within its limits
NAME = "your file"  # in messages


@asynccontextmanager
async def kept(request: Request) -> AsyncIterator[tuple[NamedPath, str]]:
    """The body as a file, and the SHA-256 of it and its form. Raises HTTPException."""
    ending = _ending(request)
    with tempfile.TemporaryDirectory(prefix="judgebench-") as folder:
        path = Path(folder) / f"upload{ending}"
        digest = await _write(request, path)
        yield NamedPath(path, NAME), digest


def _ending(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = request.headers.get("content-encoding", "").strip().lower()
    if kind not in _ENDINGS:
        listed = ", ".join(_ENDINGS)
        raise HTTPException(415, f"say by Content-Type what the body is: one of {listed}", LAST)
    if packed not in _PACKED:
        raise HTTPException(415, "send the body as it is, or packed by gzip or zstd", LAST)
    return _ENDINGS[kind] + _PACKED[packed]


async def _write(request: Request, path: Path) -> str:
    """The SHA-256 of what was written."""
    digest = hashlib.sha256(path.suffix.encode())
    try:
        with path.open("wb") as file:  # parts are small, and the folder is in memory or near it
            async for part in request.stream():
                digest.update(part)
                file.write(part)
    except ClientDisconnect:
        raise HTTPException(400, "the body ended before its end", LAST) from None
    return digest.hexdigest()
