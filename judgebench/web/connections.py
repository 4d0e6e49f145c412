"""Connections as far as they are no requests: what uvicorn would wait for, or keep, without an end."""

import asyncio
from collections.abc import Iterator

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

# Without a request. Longer than clients and proxies keep theirs (5 s httpx, 60 s nginx): the side that asks closes it,
# and none is closed while a request comes.
IDLE_S = 75
HEAD_S = 15.0  # from a connection's beginning, or a further request's first byte, to the end of its head
TAKE_S = 60.0  # between two looks, in which something of what waits must have gone out
_PART_BYTES = 1 << 18  # of an answer's body, written at once


class Taking(asyncio.Protocol):
    """Ends a connection whose peer takes nothing of what is sent; however slowly it is taken, the rest waits."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _next_look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=1, low=0)  # writing pauses as long as anything waits

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look_after(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._look_no_more()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look_no_more()
        super().connection_lost(exc)

    def _look_after(self, waiting: int) -> None:
        self._next_look = self.loop.call_later(TAKE_S, self._look, waiting)

    def _look(self, before: int) -> None:
        if (waiting := self.transport.get_write_buffer_size()) >= before:
            self.transport.abort()
        elif waiting:
            self._look_after(waiting)

    def _look_no_more(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()


class Requests(Taking, H11Protocol):
    """Ends a connection whose head does not arrive in time. What an application sends is sent once it has gone out."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        answering = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def sent(message: Message) -> None:
                for part in _parts(message):
                    await send(part)
                    await self.flow.drain()

            await answering(scope, receive, sent)

        self.app = app
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


def _parts(message: Message) -> Iterator[Message]:
    """A message of an answer, its body in parts: TLS counts what waits by parts alone."""
    body, more = message.get("body", b""), message.get("more_body", False)
    if not body:
        yield message
    for start in range(0, len(body), _PART_BYTES):
        end = start + _PART_BYTES
        yield {**message, "body": body[start:end], "more_body": more or end < len(body)}
