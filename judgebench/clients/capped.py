"""Clients that are asked so many times and no more."""

from collections.abc import Mapping
from typing import Any

from judgebench.clients.base import Client, Counted
from judgebench.errors import EnoughCalls
from judgebench.records import Completion, Prompt


class Cap:
    """At most so many requests of several clients together, from their first question on, retries included. What one
    question needs besides, such as asking again without a field, is not cut off."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._clients: list[CappedClient] = []
        self._before: int | None = None  # requests

    def around(self, client: Client) -> "CappedClient":
        """The client, which counts among these from now on."""
        capped = CappedClient(client, self)
        self._clients.append(capped)
        if self._before is not None:
            self._before += capped.calls
        return capped

    def check(self) -> None:
        """Raises EnoughCalls where no further request may be sent."""
        calls = sum(client.calls for client in self._clients)
        if self._before is None:
            self._before = calls
        if calls - self._before >= self._most:
            raise EnoughCalls(f"{self._most} calls are made, which is max_calls")


class CappedClient:
    """``client``, asked within a cap."""

    def __init__(self, client: Client, cap: Cap) -> None:
        self._client = client
        self._cap = cap
        self._asked = 0

    @property
    def calls(self) -> int:
        """Requests sent so far, by the client's own count where it has one."""
        return self._client.calls if isinstance(self._client, Counted) else self._asked

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Raises EnoughCalls, and what the client raises."""
        self._cap.check()
        self._asked += 1
        return await self._client.complete(prompt, settings)

    async def close(self) -> None:
        await self._client.close()
