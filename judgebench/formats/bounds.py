"""How much a text would become, told before it is decoded.

Three characters, ``[],``, become a list of sixty bytes, so that the length of a row does not bound what it takes.
"""

import re

PACKED_TIMES = 200  # as often its own size a file may unpack to; texts pack to a third or, in logs, a hundredth
FREE_BYTES = 64 << 20  # that any file may unpack to
_JSON_PART = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
_CELL_PARTS = {mark: re.compile(rf'(?:"[^"]*+"?)++|{mark}') for mark in ",;\t"}
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def most_unpacked(packed: int, most: int) -> int:
    """The bytes that a file of ``packed`` bytes may unpack to, of which no file has more than ``most``."""
    return min(most, max(FREE_BYTES, PACKED_TIMES * packed))


def json_beyond(text: str, start: int, most: int) -> bool:
    """Whether the JSON value at ``start`` holds more than ``most`` values, as far as the text goes."""
    depth = values = 0
    for part in _JSON_PART.finditer(text, start):
        mark = text[part.start()]
        if mark == '"':
            continue
        depth += _STEPS.get(mark, 0)
        values += mark in "[{,"
        if values > most:
            return True
        if depth <= 0:
            break
    return False


def delimited_cells(line: str, most: int, mark: str = ",", *, quoted: bool = False) -> int:
    """How many cells begin after a ``mark`` in a line, or ``most`` and one if there are more; ``quoted``: it starts
    inside quotes."""
    cells = 0
    for part in _CELL_PARTS[mark].finditer('"' + line if quoted else line):
        cells += part[0] == mark
        if cells > most:
            break
    return cells
