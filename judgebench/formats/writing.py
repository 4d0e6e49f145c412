"""Write rows as CSV that a spreadsheet opens without running anything.

A text that starts with ``= + - @``, a tab or a line break is a formula to a spreadsheet, and a model's output or name
can start with one. Such cells get an apostrophe in front, as OWASP's "CSV injection" advises; numbers stay numbers.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from judgebench.records import clean_text

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def write_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str], stream: TextIO) -> None:
    """Write a header and one line a row, in RFC 4180's form (lines end in CR LF: open files with ``newline=""``).

    None becomes an empty cell. Raises KeyError where a row lacks one of ``columns``.
    """
    writer = csv.writer(stream)
    writer.writerow([_safe(column) for column in columns])
    writer.writerows([_safe(row[column]) for column in columns] for row in rows)


def _safe(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = clean_text(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
