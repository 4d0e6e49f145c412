"""Parquet files are decoded by another process, whose end is said in words."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats import arrow_file
from judgebench.formats.arrow_file import arrow_lines, line_value

LIMITS = {"rows": 100, "file_bytes": 1 << 20, "row_chars": 1 << 18, "row_values": 10_000, "memory": 256 << 20}


def written(path: Path, **columns: Any) -> Path:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def test_columns_and_rows_come_as_they_were_written(tmp_path: Path) -> None:
    rows = [{"b": b"\0\xff", "l": [{"x": "\U0001f600"}, None], "n": 1.5}]
    path = written(tmp_path / "a.parquet", **{name: [rows[0][name]] for name in rows[0]})
    assert list(map(line_value, arrow_lines(path, LIMITS))) == [["b", "l", "n"], *rows]


def test_a_row_and_its_field_are_named_where_it_holds_too_much(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", a=["x", "y" * (1 << 19)])
    with pytest.raises(InputError, match=r"a\.parquet, row 2, field 'a': longer than 262,144 characters"):
        list(arrow_lines(path, LIMITS))


def test_a_decoder_that_crashes_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", a=["x"])
    kill = "import os; print('[\"a\"]', flush=True); os.kill(os.getpid(), 9)"
    monkeypatch.setattr(arrow_file, "_COMMAND", ("-c", kill))
    with pytest.raises(InputError, match=r"a\.parquet, row 1: its decoder crashed"):
        list(arrow_lines(path, LIMITS))


def test_a_decoder_that_works_for_too_long_is_ended_and_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("resource")
    path = written(tmp_path / "a.parquet", a=["x"])
    start = "from judgebench.formats import arrow_child as c; print('[\"a\"]', flush=True); c._bound_time(1)"
    work = f"{start}\nwhile True: pass"
    monkeypatch.setattr(arrow_file, "_COMMAND", ("-c", work))
    with pytest.raises(InputError, match=r"a\.parquet, row 1: takes more than 61 seconds to decode"):
        list(arrow_lines(path, LIMITS))
