"""Pictures of leaderboards are drawn from them alone."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.views import picture
from tests.show.factories import board

image = pytest.importorskip("PIL.Image", reason="the app needs the extra app")


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.text(max_size=40))
def test_every_picture_is_well_formed_whatever_models_are_called(values: list[float], named: str) -> None:
    drawn = board(values, 0.01)
    rows = tuple(replace(row, model=named + str(place)) for place, row in enumerate(drawn.rows))
    root = ElementTree.fromstring(picture.svg(replace(drawn, rows=rows)))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == len(values)
    assert all(270 <= float(circle.attrib["cx"]) <= 930 for circle in circles)
    assert not root.findall(".//{http://www.w3.org/2000/svg}script")


def test_a_png_shows_the_same() -> None:
    opened = image.open(io.BytesIO(picture.png(board([0.9, 0.5, 0.1], 0.02))))
    assert opened.size[0] == 2000
    assert len(np.unique(np.asarray(opened).reshape(-1, 3), axis=0)) > 3
