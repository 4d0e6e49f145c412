"""Connections as far as they are no requests: what uvicorn would wait for, answer or keep without an end."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import http11

from judgebench.web.connections import Taking

FRAMES_A_MINUTE = 1000  # that are no messages: pings, pongs, and parts of messages; browsers cut at 128 kB
WAITING = 1000  # messages not yet read
_MINUTE_S = 60.0

# Of the head that opens a page. The cookies stand in one line, and browsers send those of all other ports of this
# machine too: as much as of any other head, where the library would stop at 8 kB.
http11.MAX_LINE_LENGTH = 1 << 16


class Sockets(Taking, WebSocketsSansIOProtocol):
    """Ends a connection that says nothing in many frames, or more at once than is read of it, or that cannot be
    opened."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._count, self._since = 0, self.loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()

    def handle_ping(self) -> None:
        self._note()
        super().handle_ping()

    def handle_pong(self, event: Any) -> None:
        self._note()
        super().handle_pong(event)

    def handle_cont(self, event: Any) -> None:
        self._note()
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        super().send_receive_event_to_app()
        if self.queue.qsize() > WAITING:
            self._end()

    def _note(self) -> None:
        now = self.loop.time()
        if now - self._since >= _MINUTE_S:
            self._count, self._since = 0, now
        self._count += 1
        if self._count > FRAMES_A_MINUTE:
            self._end()

    def _end(self) -> None:
        """At once, and nothing more of it is read."""
        self.frames.clear()
        while not self.queue.empty():
            self.queue.get_nowait()
        self.transport.abort()
