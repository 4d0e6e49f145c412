"""Whether a judge sees, tried before a run: two patches of colours drawn by lot, to be named in their order.

A server that takes images and says nothing proves nothing: some drop them, and the model answers all the same. Naming
two of six colours in their order by chance alone happens once in thirty questions.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from judgebench.clients.base import Client
from judgebench.clients.complaints import Reason, images_at_most
from judgebench.clients.http import Rejected, one_line
from judgebench.clients.replies import EmptyReply
from judgebench.errors import JudgeError
from judgebench.records import ChatPrompt, PromptImage, PromptMessage

_COLOURS = {
    "red": (220, 30, 30),
    "green": (20, 150, 50),
    "blue": (30, 50, 220),
    "yellow": (245, 220, 30),
    "black": (5, 5, 5),
    "white": (252, 252, 252),
}
_SIDE = 64  # pixels
_ROOM = 1024  # tokens: for a model that thinks before it writes
_WORD = re.compile(rf"\b(?:{'|'.join(_COLOURS)})\b", re.IGNORECASE)
_LEFT_OUT = frozenset({"logprobs", "top_logprobs", "response_format", "structured_outputs", "stop"})
_REPLY_CHARS = 120


@dataclass(frozen=True, slots=True)
class ImageAbility:
    """What was found out about a server and its model."""

    takes: bool | None  # None: it could not be found out
    why: str = ""  # in the server's words, or what it replied; empty where it sees
    most: int | None = None  # images that a prompt may have; None: the server says no limit


async def images_taken(client: Client, settings: Mapping[str, Any]) -> ImageAbility:
    """As ``probe_images``; not known where the client raises an error."""
    try:
        return await probe_images(client, settings)
    except JudgeError as error:
        return ImageAbility(None, str(error))


async def probe_images(client: Client, settings: Mapping[str, Any]) -> ImageAbility:
    """Ask the judge, by one question or up to three short ones, what it sees. Raises JudgeError where it does not
    answer for a reason that has nothing to do with images: a key, a rate, an outage."""
    ability = await _asked(client, settings, 2)
    if ability.most is not None and ability.most >= 1:
        fewer = await _asked(client, settings, 1)
        return ImageAbility(fewer.takes, fewer.why, ability.most)
    return ability


async def _asked(client: Client, settings: Mapping[str, Any], count: int) -> ImageAbility:
    colours = secrets.SystemRandom().sample(list(_COLOURS), count)
    kept = {name: value for name, value in settings.items() if name not in _LEFT_OUT}
    limit = "max_completion_tokens" if "max_completion_tokens" in kept else "max_tokens"
    roomy = {**kept, limit: max(int(kept.get(limit) or 0), _ROOM)}
    try:
        reply = await client.complete(_prompt(colours), roomy)
    except EmptyReply as error:
        reply = error.completion
    except Rejected as error:
        if not error.only_this:
            raise
        if error.complaint.reason is not Reason.IMAGES:
            await client.complete(_prompt([]), roomy)  # whatever else is wrong, is wrong without images, too
        return ImageAbility(False, error.complaint.message or str(error), images_at_most(error.complaint))
    named = [word.lower() for word in _WORD.findall(reply.text)]
    if named == colours:
        return ImageAbility(True)
    shown = one_line(reply.text)[:_REPLY_CHARS] or "nothing"
    return ImageAbility(False, f"it was shown {' and '.join(colours)}, and replied {shown!r}")


def _prompt(colours: Sequence[str]) -> ChatPrompt:
    """A question about patches of these colours; without any, one that every model answers."""
    if not colours:
        return ChatPrompt((PromptMessage("user", "Reply with one word: red."),))
    names = ", ".join(_COLOURS)
    what = "image, of one colour, follows" if len(colours) == 1 else "images, each of one colour, follow"
    text = f"{'One' if len(colours) == 1 else 'Two'} {what}. The colours are out of: {names}.\n"
    patches = []
    for number, colour in enumerate(colours, 1):
        text += f"Image {number}:\n"
        patches.append(PromptImage("", _SIDE, _SIDE, 1, "image/png", _patch(colour), len(text)))
    text += "\nReply with the name of the colour of each image, in their order, and nothing else."
    return ChatPrompt((PromptMessage("user", text, tuple(patches)),))


def _patch(colour: str) -> bytes:
    from PIL import Image  # loaded where images are used, and not with every client

    stream = BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), _COLOURS[colour]).save(stream, "PNG")
    return stream.getvalue()
