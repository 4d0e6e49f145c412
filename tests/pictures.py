"""Images for tests: real ones, small, and what claims to be one."""

import base64
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image

BROKEN = b"\x89PNG\r\n\x1a\n" + bytes(20)  # begins as a PNG


def png(colour: Any = "red", size: tuple[int, int] = (8, 8), mode: str = "RGB") -> bytes:
    return encoded(Image.new(mode, size, colour), "PNG")


def encoded(image: Any, form: str, **settings: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, form, **settings)
    return stream.getvalue()


def decoded(data: bytes) -> Any:
    return Image.open(BytesIO(data))


def data_url(data: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def noise(size: tuple[int, int] = (400, 300)) -> Any:
    return Image.effect_noise(size, 80).convert("RGB")


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of one colour whose pixels take far more memory than its file."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    pixels = zlib.compress(bytes(((width + 7) // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
