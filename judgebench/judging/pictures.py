"""Images in a judge's prompt: where they stand, under which numbers, and which of them are left out.

A template that shows images is rendered with a line for each, in which a token stands that nobody could have written.
Then the lines are given their numbers, in the order in which they stand, and images their places behind them. Servers
may put all images before the text, so what is said of an image is said by its number, never by its place. An image that
comes again, in a second dialogue or because two outputs hold it, is sent once.
"""

import re
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from judgebench import images
from judgebench.errors import InputError
from judgebench.images import CopyFormat
from judgebench.records import ChatPrompt, PromptImage, PromptMessage

BEYOND = "image beyond the limit"
NOT_HELD = "image"
FURTHER_FRAME = "further frame of an image"
DEFAULTS: Mapping[str, Any] = {"max_images": 8, "image_side": images.SIDE, "image_format": "auto"}
MOST_REQUEST = 20 << 20  # bytes of images in a prompt: in base64 less than the smallest request that a vendor takes
_MOST, _SIDES = (1, 100), (64, images.MOST_SIDE)
_NONE = "-"
# By Anthropic's documentation; Qwen's models take one for 784, and OpenAI's count by tiles of another size.
_PIXELS_A_TOKEN = 750


@dataclass(frozen=True, slots=True)
class Spots:
    """Where images are to stand in a text."""

    token: str  # stands in none of the texts
    held: Container[str]  # digests of the images that can be shown

    def line(self, title: str, digest: str | None, mark: str) -> str:
        known = digest if digest is not None and digest in self.held else _NONE
        return f"<<< {title} {mark} {known} {self.token} >>>"


@dataclass(frozen=True, slots=True)
class ImageRules:
    """How a judge is shown images; part of its settings, and so of what it is."""

    most: int  # of a trial's images
    side: int  # pixels
    form: CopyFormat


def image_rules(settings: Mapping[str, Any]) -> ImageRules:
    """By a judge's settings. Raises InputError, naming the setting."""
    values = {**DEFAULTS, **{name: settings[name] for name in DEFAULTS if name in settings}}
    for name, (least, most) in (("max_images", _MOST), ("image_side", _SIDES)):
        if type(values[name]) is not int or not least <= values[name] <= most:
            raise InputError(
                f"setting {name} is {str(values[name])[:40]!r}: give a whole number from {least} to {most}"
            )
    if values["image_format"] not in get_args(CopyFormat):
        raise InputError(
            f"setting image_format is {str(values['image_format'])[:40]!r}: give {', '.join(get_args(CopyFormat))}"
        )
    return ImageRules(values["max_images"], values["image_side"], cast(CopyFormat, values["image_format"]))


def image_tokens(width: int, height: int) -> int:
    """About how many tokens an image of so many pixels is for a judge."""
    return -(-width * height // _PIXELS_A_TOKEN)


def beyond_request(prompt: ChatPrompt) -> str | None:
    """Why a prompt cannot be asked, as its images take more than a request holds; None where they do not."""
    size = sum(len(image.data) for image in prompt.images)
    if size <= MOST_REQUEST:
        return None
    return (
        f"not asked: its {len(prompt.images)} images take {size:,} bytes, and a request holds {MOST_REQUEST:,}: lower "
        "max_images or image_side, or choose image_format jpeg"
    )


class Pictures:
    """Puts the images of one prompt in their places, message by message."""

    def __init__(self, held: Mapping[str, PromptImage], most: int, token: str) -> None:
        self._held = held
        self._most = most
        self._lines = re.compile(rf"<<< ([^\n]{{1,200}}) (\w+) ([0-9a-f]{{64}}|{_NONE}) {re.escape(token)} >>>")
        self._numbers: dict[str, int] = {}  # by digest
        self._left_out: dict[str, str] = {}  # why, by title
        self._frames = 0

    @property
    def left_out(self) -> Counter[str]:
        """Of images that were to be shown those that are not, each once, and frames, by why."""
        counts = Counter(self._left_out.values())
        return counts + Counter({FURTHER_FRAME: self._frames})

    def message(self, role: str, text: str) -> PromptMessage:
        pieces: list[str] = []
        placed: list[PromptImage] = []
        at = start = 0
        for match in self._lines.finditer(text):
            title, mark, digest = match.groups()
            shown, image = self._shown(title, digest)
            pieces += [text[start : match.start()], f"<<< {shown} {mark} >>>"]
            at, start = at + len(pieces[-2]) + len(pieces[-1]), match.end()
            placed += [replace(image, at=at)] if image is not None else []
        return PromptMessage(role, "".join((*pieces, text[start:])), tuple(placed))

    def _shown(self, title: str, digest: str) -> tuple[str, PromptImage | None]:
        """What the line says, and the image that stands behind it. ``title``: "image 1, in output A"."""
        holder = title.partition(", ")[2]
        if (number := self._numbers.get(digest)) is not None:
            return f"image {number} again, {holder}", None
        if digest == _NONE:
            self._left_out[title] = NOT_HELD
            return f"an image, {holder}, not shown", None
        if len(self._numbers) >= self._most:
            self._left_out[title] = BEYOND
            return f"an image, {holder}, not shown, as no more than {self._most} are", None
        number = self._numbers[digest] = len(self._numbers) + 1
        image = self._held[digest]
        self._frames += image.frames - 1
        frames = f", the first of its {image.frames} frames" if image.frames > 1 else ""
        return f"image {number}, {holder}{frames}", image
