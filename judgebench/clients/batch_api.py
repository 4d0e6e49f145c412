"""Batches at a server that speaks the OpenAI files and batches format: upload, create, find again, fetch.

Nothing is sent twice by itself. Whoever submits looks first for a batch that bears the name in its metadata, so a
submission whose answer was lost is found, not repeated.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgebench.clients.base import Access
from judgebench.clients.http import Timeouts, Transport
from judgebench.errors import BadReply

_NAME = "judgebench"  # the field of the metadata that holds a batch's name
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_TIMEOUTS = Timeouts(total_s=3600.0)
_PAGE = 100


@dataclass(frozen=True, slots=True)
class ServerBatch:
    """A batch as its server describes it."""

    id: str
    name: str | None  # ours; None: somebody else's
    status: str  # "validating", "in_progress", "completed", "failed", "expired", "cancelled" ...
    results: tuple[str, ...]  # ids of the files that hold replies and errors, so far

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


class BatchServer:
    """The batches at one address. Raises JudgeError as ``Client.complete`` does."""

    def __init__(self, access: Access, open_transport: Callable[[Access, Timeouts], Transport]) -> None:
        self._transport = open_transport(access, _TIMEOUTS)

    async def find(self, name: str) -> ServerBatch | None:
        """The batch of this name, wherever in the list it stands."""
        after = ""
        while True:
            page = await self._transport.json(f"/batches?limit={_PAGE}{after}")
            batches = [_batch(entry) for entry in _entries(page)]
            for batch in batches:
                if batch.name == name:
                    return batch
            if not batches or not page.get("has_more"):
                return None
            after = f"&after={batches[-1].id}"

    async def submit(self, file: Path, name: str) -> ServerBatch:
        uploaded = await self._transport.upload("/files", file, {"purpose": "batch"})
        request = {
            "input_file_id": _id(uploaded),
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {_NAME: name},
        }
        return _batch(await self._transport.json("/batches", request))

    async def get(self, batch_id: str) -> ServerBatch:
        return _batch(await self._transport.json(f"/batches/{batch_id}"))

    async def fetch(self, file_id: str, target: Path) -> None:
        """Write a file of results."""
        await self._transport.download(f"/files/{file_id}/content", target)

    async def close(self) -> None:
        await self._transport.close()


def _entries(page: Any) -> list[Mapping[str, Any]]:
    entries = page.get("data") if isinstance(page, dict) else None
    if not isinstance(entries, list):
        raise BadReply("the server's list of batches is none: does it offer batches?")
    return [entry for entry in entries if isinstance(entry, dict)]


def _batch(entry: Any) -> ServerBatch:
    batch_id = _id(entry)
    metadata = entry.get("metadata")
    name = metadata.get(_NAME) if isinstance(metadata, dict) else None
    files = (entry.get(field) for field in ("output_file_id", "error_file_id"))
    results = tuple(file for file in files if isinstance(file, str) and file)
    return ServerBatch(batch_id, name if isinstance(name, str) else None, str(entry.get("status")), results)


def _id(entry: Any) -> str:
    name = entry.get("id") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "-_." for c in name):
        raise BadReply("the server's answer names no file or batch: does it offer batches?")
    return name
