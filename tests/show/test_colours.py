"""Numbers can be read on every colour of a cell."""

import pytest

from judgebench.show.colours import ground


@pytest.mark.parametrize("percent", range(101))
def test_every_number_can_be_read_on_its_colour(percent: int) -> None:
    light, dark = sorted(map(_luminance, ground(percent / 100)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
