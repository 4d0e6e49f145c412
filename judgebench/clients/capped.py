"""Clients that are asked so many times and no more."""

from collections.abc import Mapping, Sequence
from typing import Any

from judgebench.clients.base import Client, Counted
from judgebench.errors import EnoughCalls
from judgebench.records import Completion, Prompt


class CappedClient:
    """``client``, which sends at most ``most`` requests from its first question on, retries included. What one question
    needs besides, such as asking again without a field, is not cut off."""

    def __init__(self, client: Client, most: int) -> None:
        self._client = client
        self._most = most
        self._asked = 0
        self._before: int | None = None  # requests
        self._together: Sequence[CappedClient] = (self,)  # who send so many between them

    @property
    def calls(self) -> int:
        """Requests sent so far, by the client's own count where it has one."""
        return self._client.calls if isinstance(self._client, Counted) else self._asked

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Raises EnoughCalls, and what the client raises."""
        calls = sum(client.calls for client in self._together)
        if self._before is None:
            for client in self._together:
                client._before = calls
        if calls - (self._before or 0) >= self._most:
            raise EnoughCalls(f"{self._most} calls are made, which is max_calls")
        self._asked += 1
        return await self._client.complete(prompt, settings)

    async def close(self) -> None:
        await self._client.close()


def capped(clients: Sequence[Client], most: int) -> list[CappedClient]:
    """The clients, which send at most ``most`` requests between them."""
    together = [CappedClient(client, most) for client in clients]
    for client in together:
        client._together = together
    return together
