"""Connections as far as they are no requests: what uvicorn would wait for without an end."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Without a request. Longer than clients and proxies keep theirs (5 s httpx, 60 s nginx): the side that asks closes it,
# and none is closed while a request comes.
IDLE_S = 75
HEAD_S = 15.0  # from a connection's beginning, or a further request's first byte, to the end of its head


class Requests(H11Protocol):
    """Ends a connection whose head does not arrive in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own signature
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
