"""Images are told by their bytes, bounded before they are decoded, and copied as pixels alone."""

import time
import zlib

import pytest
from PIL import Image

from judgebench import images
from judgebench.images import UnusableImage
from tests.pictures import BROKEN, bomb, chunk, decoded, encoded, noise, png

JPEG = encoded(noise(), "JPEG")
TEXT_BOMB = png()[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 100_000_000)) + png()[33:]
REFUSED = {
    "bomb": (bomb(10_000, 10_000), r"10,000 x 10,000 pixels; a side may have 8,192"),
    "wide": (bomb(8_000, 8_000), r"8,000 x 8,000 pixels; at most 25,000,000 in all"),
    "svg": (b'\xef\xbb\xbf<!-- a --> <svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing where an image"),
    "svg with a declaration": (b"<?xml version='1.0'?><svg/>", "an SVG drawing"),
    "truncated jpeg": (JPEG[: len(JPEG) // 2], "a truncated JPEG image"),
    "truncated png": (png()[:50], "a truncated PNG image"),
    "empty": (b"", "an image without a byte"),
    "bmp": (encoded(noise(), "BMP"), "a BMP image where"),
    "tiff": (encoded(noise(), "TIFF"), "a TIFF image where"),
    "eps": (b"%!PS-Adobe-3.0 EPSF", "an EPS drawing where"),
    "pdf": (b"%PDF-1.7", "a PDF document where"),
    "html": (b" <!DOCTYPE HTML><html>", "an HTML page where"),
    "no width": (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(4) + b"\0\0\0\5\x08\2\0\0\0"), "a broken PNG image"),
    "bomb of text": (TEXT_BOMB, "a broken PNG image"),
    "text": (b"hello", "something else where"),
    "claims": (BROKEN, "a broken PNG image"),
    "large": (png() + bytes(images.MOST_BYTES), "20,971,5.. bytes|20,971,6.. bytes"),
    "scans": (JPEG[:2] + b"\xff\xda\0\2" * 200 + JPEG[2:], "more than 100 scans"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_can_be_shown_is_refused_by_name_and_at_once(name: str) -> None:
    data, why = REFUSED[name]
    started = time.perf_counter()
    for read in (images.check, images.copied):
        with pytest.raises(UnusableImage, match=why) as refused:
            read(data)
        assert len(str(refused.value)) < 300
        assert "\n" not in str(refused.value)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_four_kinds_are_taken_whatever_their_names_say(form: str) -> None:
    data = encoded(noise((40, 30)), form)
    measures = images.check(data)
    assert measures == images.measured(data)
    assert (measures.media_type, measures.width, measures.height) == (f"image/{form.lower()}", 40, 30)


def test_a_copy_is_turned_small_and_nothing_but_pixels() -> None:
    image = Image.new("RGB", (3000, 1000), "white")
    image.paste("red", (0, 0, 1500, 1000))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a secret"
    copy = images.copied(encoded(image, "JPEG", exif=exif))
    shown = decoded(copy.data)
    assert (copy.width, copy.height) == shown.size == (523, 1568)  # a quarter to the right: red is above
    assert shown.getpixel((200, 100))[1] < 20
    assert shown.getpixel((200, 1500))[1] > 230
    assert (dict(shown.getexif()), b"secret" in copy.data) == ({}, False)
    assert images.copied(encoded(image, "JPEG", exif=exif)).data == copy.data


def test_grey_of_sixteen_bits_is_not_white() -> None:
    copy = images.copied(encoded(Image.new("I;16", (4, 4), 40_000), "PNG"))
    assert decoded(copy.data).getpixel((0, 0)) == (156, 156, 156)


@pytest.mark.parametrize("paint", ["white", "black"])
def test_paint_is_seen_on_transparent_ground(paint: str) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste(paint, (16, 16, 48, 48))
    colours = {colour for _, colour in decoded(images.copied(encoded(image, "PNG")).data).getcolors()}
    assert len(colours) == 3  # two of the chequerboard


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_is_shown_and_all_are_counted(form: str) -> None:
    red, *others = (Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue"))
    data = encoded(red, form, save_all=True, append_images=others)
    copy = images.copied(data)
    assert (copy.frames, images.check(data).frames) == (3, 3)
    assert decoded(copy.data).getpixel((9, 9))[0] > 240


@pytest.mark.slow
def test_a_copy_is_bounded_in_bytes() -> None:
    copy = images.copied(encoded(noise((1568, 1568)), "PNG"))
    assert len(copy.data) <= images.COPY_BYTES
    assert copy.media_type == "image/jpeg"
    assert images.copied(png()).media_type == "image/png"
    assert images.copied(png(), form="jpeg").media_type == "image/jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_of_colours_is_taken(mode: str) -> None:
    copy = images.copied(encoded(Image.new(mode, (9, 5)), "PNG"))
    assert decoded(copy.data).mode == "RGB"
    assert (copy.width, copy.height) == (9, 5)
