"""The body of a request, of so many bytes at most, in so much time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

LAST = {"Connection": "close"}  # of a refusal: the rest of the request is not waited for
SILENCE_S = 30.0  # the longest wait for the next part of a body
TOTAL_S = 600.0  # from the first byte to the last


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may ask of the server."""

    most: int  # bytes
    silence_s: float = field(default_factory=lambda: SILENCE_S)
    total_s: float = field(default_factory=lambda: TOTAL_S)

    def too_long(self) -> HTTPException:
        return HTTPException(413, f"This is longer than {self.most:,} bytes, the most that is taken here.", LAST)

    def check_length(self, given: str) -> int:
        """The length that a request says of its body. Raises HTTPException."""
        if not (given.isascii() and given.isdigit()):
            raise HTTPException(400, "The length of the upload is not a number.", LAST)
        if int(given) > self.most:
            raise self.too_long()
        return int(given)


def bounded(receive: Receive, limits: BodyLimits, note: Callable[[int], None]) -> Receive:
    """Reads a body within the limits, each part of which is noted. It raises HTTPException for one that is longer or
    takes too long."""
    came, ended, last = 0, False, asyncio.get_running_loop().time() + limits.total_s

    async def part() -> Message:
        nonlocal came, ended
        if ended:
            return await receive()
        try:
            async with asyncio.timeout_at(min(last, asyncio.get_running_loop().time() + limits.silence_s)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The upload took too long.", LAST) from None
        count = len(message.get("body", b""))
        came += count
        if came > limits.most:
            raise limits.too_long()
        note(count)
        ended = not message.get("more_body", False)
        return message

    return part
