"""What the decoding process writes, line by line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from judgebench.formats.arrow_child import cpu_seconds

LIMITS = {"rows": 3, "file_bytes": 1 << 20, "row_chars": 1 << 18, "row_values": 10, "memory": 256 << 20}


def lines(path: Path, limits: dict[str, int] = LIMITS, **columns: Any) -> list[Any]:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    command = [sys.executable, "-P", "-m", "judgebench.formats.arrow_child", str(path), json.dumps(limits)]
    run = subprocess.run(command, capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x", "y"], [["a"], {"a": "x"}, {"a": "y"}, [[]]]),
        (["x"] * 4, [[[None, None, "holds 4 rows, and only 3 are read; split the file"]]]),
        ([["x"], ["x"] * 20], [["a"], {"a": ["x"]}, [[2, "a", "holds more than 10 values"]]]),
    ],
)
def test_columns_rows_and_an_end_or_what_is_refused(tmp_path: Path, values: list[Any], expected: list[Any]) -> None:
    assert lines(tmp_path / "a.parquet", a=values) == expected


def test_rows_are_counted_in_the_footer_before_any_is_decoded(tmp_path: Path) -> None:
    [[last]] = lines(tmp_path / "a.parquet", limits={**LIMITS, "rows": 10**8}, a=["x"] * 5000)
    assert last[2].startswith("holds more than 1,048,576 bytes unpacked")


def test_the_time_to_decode_grows_with_what_a_file_may_unpack_to() -> None:
    assert cpu_seconds(LIMITS) == 61
    assert cpu_seconds({**LIMITS, "file_bytes": 2 << 30}) == 60 + 2048
