"""Published boards as texts and documents: numbers with their intervals, or why there is none; hostile names."""

import csv
import io
import json

import pytest

from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard.published.board import Measure, PublishedBoard, PublishedRow, exactly
from judgebench.show import published as shown

COLUMNS = (
    Measure("score", "score", "percent", "The score."),
    Measure("rating", "rating", "elo", "The rating."),
    Measure("n", "n", "count", "How many."),
    Measure("part.x", "x", "score", "A part.", is_main=False),
)
KNOWN = Estimate(61.234, 50.0, 70.0, 0.9, "percentiles", 12)
ROWS = (
    PublishedRow("a|b\x1b[31m", {"score": KNOWN, "rating": exactly(1000.04, 3), "n": exactly(12, 12), "part.x": KNOWN}),
    PublishedRow("c", dict.fromkeys(("score", "rating", "n", "part.x"), unidentified("nobody asked"))),
)
BOARD = PublishedBoard(COLUMNS, ROWS, {"": ("base",)}, ("a note",), "arena-hard-v2", ("judge",))


def test_cells_hold_each_number_with_its_interval() -> None:
    assert shown.headings(BOARD) == ["model", "score", "rating", "n"]
    assert shown.cells(BOARD, ROWS[0])[1:] == ["61.23% [50.00%, 70.00%]", "1000.0", "12"]
    assert shown.cells(BOARD, ROWS[1])[1:] == ["-"] * 3
    assert "\x1b" not in shown.cells(BOARD, ROWS[0])[0]


def test_sentences_say_where_numbers_are_from_and_why_one_has_no_interval() -> None:
    lines = shown.sentences(BOARD)
    assert lines[0].startswith("Arena-Hard-Auto v2.0, against base, judged by judge. Formulas: lmarena/arena-hard-auto")
    assert "score: 90% intervals, percentiles." in lines
    assert "score, rating, n: nobody asked." in lines
    assert "rating, n: no interval, a description of the data, not an estimate." in lines
    assert lines[-1] == "Note: a note"


def test_the_document_is_json_with_all_columns() -> None:
    document = json.loads(json.dumps(shown.document("bench", BOARD)))
    assert (document["profile"], document["baselines"]) == ("arena-hard-v2", {"all": ["base"]})
    number = document["rows"][0]["numbers"]["part.x"]
    assert (number["value"], number["lower"], number["level"], number["method"]) == (61.234, 50.0, 0.9, "percentiles")
    assert document["rows"][1]["numbers"]["score"]["reason"] == "nobody asked"


def test_files_and_markdown_hold_every_row() -> None:
    rows = list(csv.DictReader(io.StringIO(shown.as_csv(BOARD))))
    assert list(rows[0]) == shown.column_names(BOARD)
    assert [float(rows[0][name]) for name in ("score", "score_lower", "score_upper")] == [61.234, 50.0, 70.0]
    assert rows[1]["score"] == ""
    lines = shown.as_markdown(BOARD).splitlines()
    assert any("a\\|b" in line for line in lines)
    assert [row["model"] for row in shown.columns(BOARD)][1] == "c"


@pytest.mark.parametrize("name", ["score", "rating"])
def test_frames_have_ends_for_each_number(name: str) -> None:
    assert {name, f"{name}_lower", f"{name}_upper"} < set(next(iter(shown.columns(BOARD))))


def test_many_numbers_stand_under_each_other() -> None:
    columns = tuple(Measure(f"n{at}", f"number {at}", "percent", "what it is") for at in range(6))
    known = Estimate(12.5, 10.0, 15.0, 0.95, "t", 9)
    rows = tuple(PublishedRow(model, {column.name: known for column in columns}) for model in ("one", "two"))
    board = PublishedBoard(columns, rows, {}, ())
    assert shown.is_wide(board)
    assert shown.long_cells(board)[5:8] == [
        ("", "number 5", "12.50% [10.00%, 15.00%]"),
        ("two", "number 0", "12.50% [10.00%, 15.00%]"),
        ("", "number 1", "12.50% [10.00%, 15.00%]"),
    ]
