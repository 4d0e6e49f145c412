"""Images that others made: told by their first bytes, bounded before a pixel is decoded, and copied as pixels alone.

What is stored are the bytes that came. Whoever looks, a judge or a person, gets a ``copied`` one: turned as it is meant
to be seen, without transparency, no larger than it must be, and without a word of what else the file says.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Any, Literal

MOST_BYTES = 20 << 20
MOST_SIDE = 8192  # pixels
MOST_PIXELS = 25_000_000  # of width times height: 100 MB while it is decoded
SIDE = 1568  # pixels: the vendors' own models see no larger ones
COPY_BYTES = 2 << 20  # of a copy; a more detailed one is written in a coarser way
_MOST_SCANS = 100  # of a JPEG: each passes over all pixels, and a file may have thousands
_MOST_FRAMES = 10_000  # that are counted
BEGINNING = 1 << 14  # bytes of a file in which it says whether it moves, if it does
_CHECKS = ((204, 204, 204), (153, 153, 153))  # below transparent pixels, so that neither black nor white paint is lost
_CHECK = 8  # pixels
_QUALITIES = (90, 75, 50, 25)  # of JPEG, one after the other
_ORIENTATION = 0x0112  # the tag of EXIF
_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # by orientation, the number of Pillow's transposition

CopyFormat = Literal["auto", "png", "jpeg"]


class UnusableImage(ValueError):
    """Why a file is no image that can be shown, in words that follow "holds "."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What an image is."""

    media_type: str  # by its bytes, whatever was said of it
    width: int  # pixels
    height: int
    frames: int = 1  # of which the first is shown


@dataclass(frozen=True, slots=True)
class Copy:
    """An image to look at."""

    media_type: str
    data: bytes
    width: int  # pixels
    height: int
    frames: int = 1  # that the original has

    @property
    def url(self) -> str:
        """It as a data URL."""
        return f"data:{self.media_type};base64,{b64encode(self.data).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    media_type: str
    begins: Callable[[bytes], bool]


_KINDS = (
    _Kind("Png", "image/png", lambda start: start.startswith(b"\x89PNG\r\n\x1a\n")),
    _Kind("Jpeg", "image/jpeg", lambda start: start.startswith(b"\xff\xd8\xff")),
    _Kind("WebP", "image/webp", lambda start: start.startswith(b"RIFF") and start[8:12] == b"WEBP"),
    _Kind("Gif", "image/gif", lambda start: start.startswith((b"GIF87a", b"GIF89a"))),
)
_OTHERS = (  # beginnings of what people take for images, white space and comments aside
    (b"<svg", "an SVG drawing"),
    (b"<!DOCTYPE svg", "an SVG drawing"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "an EPS drawing"),
    (b"\xc5\xd0\xd3\xc6", "an EPS drawing"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"II+\x00", "a TIFF image"),
    (b"BM", "a BMP image"),
    (b"\x00\x00\x01\x00", "an ICO image"),
    (b"8BPS", "a Photoshop image"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
)


def measured(data: bytes) -> Measures:
    """What an image is by its header; no pixel is decoded. Raises UnusableImage for what is none, or too large."""
    kind, opened = _opened(data)
    return _measures(kind, opened, data)


def may_move(beginning: bytes) -> bool:
    """Whether an image may have several frames, by its first ``BEGINNING`` bytes."""
    kind = next((kind.name for kind in _KINDS if kind.begins(beginning)), "")
    if kind == "WebP":
        return beginning[12:16] == b"VP8X" and bool(beginning[20:21] and beginning[20] & 2)
    return kind == "Gif" or (kind == "Png" and b"acTL" in beginning)


def check(data: bytes) -> Measures:
    """As ``measured``, and every pixel of its first frame can be decoded."""
    kind, opened = _opened(data)
    _load(kind, opened)
    return _measures(kind, opened, data)


def copied(data: bytes, *, side: int = SIDE, form: CopyFormat = "auto") -> Copy:
    """The image to look at: its first frame, no side longer than ``side`` pixels, in red, green and blue and nothing
    else. ``auto``: as PNG what came without loss, unless it takes too many bytes, and as JPEG anything else.

    The same bytes for the same image by one version of Pillow. Raises UnusableImage.
    """
    kind, opened = _opened(data)
    _load(kind, opened)
    try:
        pixels = _flat(_small(_turned(_eight_bits(opened), _orientation(opened)), side))
    except Exception as error:  # decoders raise whatever comes to them with files that were made to harm
        raise _broken(kind, error) from error
    lossless = form == "png" or (form == "auto" and (kind.name in ("Png", "Gif") or data[12:16] == b"VP8L"))
    media_type, written = _written(pixels, lossless=lossless)
    return Copy(media_type, written, pixels.width, pixels.height, _frames(kind, opened, data))


def _measures(kind: _Kind, opened: Any, data: bytes) -> Measures:
    return Measures(kind.media_type, opened.width, opened.height, _frames(kind, opened, data))


def _opened(data: bytes) -> tuple[_Kind, Any]:
    """The file as Pillow reads its header, by the class for its kind: Image.open would only warn of a bomb."""
    if not data:
        raise UnusableImage("an image without a byte")
    if len(data) > MOST_BYTES:
        raise UnusableImage(f"an image of {len(data):,} bytes; at most {MOST_BYTES:,} are taken: make it smaller")
    kind = next((kind for kind in _KINDS if kind.begins(data)), None)
    if kind is None:
        raise UnusableImage(f"{_told(data)} where an image in PNG, JPEG, WebP or GIF should be")
    if kind.name == "Jpeg" and data.count(b"\xff\xda") > _MOST_SCANS:
        raise UnusableImage(f"a JPEG image of more than {_MOST_SCANS} scans: save it again")
    try:
        opened = getattr(import_module(f"PIL.{kind.name}ImagePlugin"), f"{kind.name}ImageFile")(BytesIO(data))
    except Exception as error:  # decoders raise whatever comes to them with such files
        raise _broken(kind, error) from error
    width, height = opened.size
    if width < 1 or height < 1:
        raise UnusableImage(f"an image of {width} x {height} pixels")
    if max(width, height) > MOST_SIDE:
        raise UnusableImage(
            f"an image of {width:,} x {height:,} pixels; a side may have {MOST_SIDE:,}: make it smaller"
        )
    if width * height > MOST_PIXELS:
        raise UnusableImage(
            f"an image of {width:,} x {height:,} pixels; at most {MOST_PIXELS:,} in all are taken: make it smaller"
        )
    return kind, opened


def _told(data: bytes) -> str:
    """What a file seems to be that is no image of those taken."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    for beginning, name in _OTHERS:
        if start.lower().startswith(beginning.lower()) if beginning[:1] == b"<" else data.startswith(beginning):
            return name
    if start[:1] == b"<" and b"<svg" in start.lower():
        return "an SVG drawing"
    return "something else"


def _load(kind: _Kind, opened: Any) -> None:
    try:
        opened.load()
    except Exception as error:  # decoders raise whatever comes to them with such files
        raise _broken(kind, error) from error


def _broken(kind: _Kind, error: Exception) -> UnusableImage:
    name = kind.media_type.partition("/")[2].upper()
    what = "a truncated" if "truncated" in str(error).lower() else "a broken"
    return UnusableImage(f"{what} {name} image ({' '.join(str(error).split())[:120] or type(error).__name__})")


def _frames(kind: _Kind, opened: Any, data: bytes) -> int:
    if kind.name == "Gif":
        return _gif_frames(data)
    return max(1, min(int(getattr(opened, "n_frames", 1)), _MOST_FRAMES))


def _gif_frames(data: bytes) -> int:
    """How many images a GIF has, without decoding any: Pillow would look at all of them, however many."""
    frames, at = 0, 13 + _palette(data[10:11])
    while at < len(data) and frames < _MOST_FRAMES:
        if data[at] == 0x2C:
            frames += 1
            at += 10 + _palette(data[at + 9 : at + 10]) + 1
        elif data[at] == 0x21:
            at += 2
        else:
            break
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return max(frames, 1)


def _palette(flags: bytes) -> int:
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def _eight_bits(opened: Any) -> Any:
    """In red, green, blue and perhaps opacity, of eight bits each."""
    from PIL import Image

    if opened.mode.startswith("I") or opened.mode == "F":  # grey of 16 bits: as it is, all above 255 would be white
        import numpy as np

        grey = np.asarray(opened).astype(np.float64)
        return Image.fromarray(np.clip(grey / 256, 0, 255).astype(np.uint8)).convert("RGB")
    return opened.convert("RGBA" if _is_transparent(opened) else "RGB")


def _is_transparent(opened: Any) -> bool:
    return opened.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in opened.info


def _orientation(opened: Any) -> int:
    """As its EXIF says it; 1 where that is not to be read."""
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  # as above: pixels that can be decoded are shown, whatever stands beside them
        return 1


def _turned(pixels: Any, orientation: int) -> Any:
    from PIL import Image

    turn = _TURNS.get(orientation)
    return pixels if turn is None else pixels.transpose(Image.Transpose(turn))


def _small(pixels: Any, side: int) -> Any:
    from PIL import Image

    longest = max(pixels.size)
    if longest <= side:
        return pixels
    size = tuple(max(1, round(length * side / longest)) for length in pixels.size)
    return pixels.resize(size, Image.Resampling.LANCZOS)


def _flat(pixels: Any) -> Any:
    """A new image of the pixels, on a chequerboard where they are transparent."""
    from PIL import Image

    ground = Image.new("RGB", pixels.size, _CHECKS[0])
    if pixels.mode == "RGBA":
        if pixels.getextrema()[3][0] < 255:
            _chequer(ground)
        ground.paste(pixels, (0, 0), pixels)
    else:
        ground.paste(pixels, (0, 0))
    return ground


def _chequer(ground: Any) -> None:
    from PIL import Image

    width, height = ground.size
    row = Image.new("RGB", (width + 2 * _CHECK, _CHECK), _CHECKS[0])
    for left in range(0, width + 2 * _CHECK, 2 * _CHECK):
        row.paste(_CHECKS[1], (left, 0, left + _CHECK, _CHECK))
    for number, top in enumerate(range(0, height, _CHECK)):
        ground.paste(row, (-_CHECK * (number % 2), top))


def _written(pixels: Any, *, lossless: bool) -> tuple[str, bytes]:
    """Its media type and its bytes."""
    if lossless:
        stream = BytesIO()
        pixels.save(stream, "PNG", compress_level=6)
        if stream.tell() <= COPY_BYTES:
            return "image/png", stream.getvalue()
    for quality in _QUALITIES:
        stream = BytesIO()
        pixels.save(stream, "JPEG", quality=quality, subsampling=0 if quality > 75 else 2)
        if stream.tell() <= COPY_BYTES:
            break
    return "image/jpeg", stream.getvalue()
