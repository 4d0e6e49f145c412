"""Colours of charts, tables and pictures: Okabe and Ito's, which colour-blind readers can tell apart."""

BLUE, ORANGE, GREY, PALE, RED = "#3d8fc9", "#e69f00", "#8a8f98", "#f4f4f2", "#d62728"
GREEN, PURPLE = "#009e73", "#b565a7"
MODELS = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)  # of lines that must be told apart, in this order
Colour = tuple[float, float, float]  # red, green and blue, from 0 to 1
_BLACK, _WHITE = "#000000", "#ffffff"


def ground(share: float) -> tuple[str, str]:
    """The colours of a cell for a share in [0, 1] and of the text on it, which can be read on any of them."""
    ends = (_parsed(ORANGE), _parsed(PALE)) if share < 0.5 else (_parsed(PALE), _parsed(BLUE))
    way = 2 * share if share < 0.5 else 2 * share - 1
    red, green, blue = (low + way * (high - low) for low, high in zip(*ends, strict=True))
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue)), _ink((red, green, blue))


def _parsed(colour: str) -> Colour:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _ink(colour: Colour) -> str:
    """Black or white, whichever differs more from ``colour`` in the luminance of WCAG 2."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _BLACK if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else _WHITE
