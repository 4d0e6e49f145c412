"""Pictures are well-formed whatever they say, and their axes hold what is drawn on them."""

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.show.drawing import Box, Dot, Line, Picture, Words, png, svg, ticks

numbers = st.floats(-1e6, 1e6)


@given(st.text(max_size=40), st.booleans())
def test_an_svg_is_well_formed_whatever_it_says(words: str, inline: bool) -> None:
    marks = (Line(0, 0, 9, 9, "#000000"), Dot(5, 5, "#3d8fc9", words), Box(1, 1, 3, 3, "#f4f4f2", words))
    root = ElementTree.fromstring(svg(Picture(words, 90, 60, (*marks, Words(1, 1, words))), inline=inline))
    assert not [element for element in root.iter() if element.tag.endswith(("script", "image", "}a"))]


@given(st.lists(numbers, min_size=1, max_size=20))
def test_ticks_hold_all_values(values: list[float]) -> None:
    axis = ticks(values)
    assert all(-1e-6 <= axis.share(value) <= 1 + 1e-6 for value in values)
    assert 1 <= axis.count <= 13
    assert len(axis.values) == axis.count + 1


def test_a_png_holds_every_kind_of_mark() -> None:
    image = pytest.importorskip("PIL.Image", reason="the app needs the extra app")
    marks = (Box(10, 10, 20, 20, "#ff0000"), Dot(60, 20, "#00ff00"), Line(0, 40, 99, 40, "#0000ff"))
    words = (Words(5, 50, "across"), Words(90, 50, "up", "end", upright=True))
    opened = image.open(io.BytesIO(png(Picture("marks", 100, 60, (*marks, *words)))))
    assert opened.size == (200, 120)
    assert opened.getpixel((40, 40)) == (255, 0, 0)
    assert opened.getpixel((120, 40)) == (0, 255, 0)
    assert opened.getpixel((50, 80)) == (0, 0, 255)
