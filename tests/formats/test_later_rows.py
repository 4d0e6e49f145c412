"""A later row of a file may lack what the first ones had: a message names the row, whichever the format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats import registry
from tests.formats import (
    test_auto_arena,
    test_llmbar,
    test_ppe,
    test_process_steps,
    test_prometheus,
    test_rewardbench,
    test_scalerlab,
    test_ultrafeedback,
    test_wildbench,
    test_wildbench_tasks,
)
from tests.formats.writing import write_rows

ROWS: Mapping[str, Mapping[str, Any]] = {
    "auto-arena": test_auto_arena.ROW,
    "biggen": test_prometheus.BIGGEN,
    "feedback-collection": test_prometheus.FEEDBACK,
    "llmbar": test_llmbar.ROW,
    "ppe": test_ppe.ROW,
    "preference-collection": test_prometheus.PREFERENCE,
    "prm800k": test_process_steps.ROW,
    "prmbench": test_process_steps.BENCH,
    "rewardbench": test_rewardbench.ONE,
    "rewardbench-2": test_rewardbench.TWO,
    "scalerlab": test_scalerlab.ROW,
    "ultrafeedback": test_ultrafeedback.ROW,
    "wildbench-pairs": test_wildbench.PAIR,
    "wildbench-results": test_wildbench_tasks.RESULT,
    "wildbench-scores": test_wildbench.SCORE,
    "wildbench-tasks": test_wildbench_tasks.TASK,
}
ODD: tuple[Any, ...] = (None, True, -1, 1e308, "", "[", [], [None], [[]], {}, {"a": 1}, [{"role": "user"}])


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_column_that_is_missing_or_odd_is_read_or_refused_by_its_row(tmp_path: Path, name: str) -> None:
    path, row = tmp_path / "a.jsonl", ROWS[name]
    changed = [{key: row[key] for key in row if key != column} for column in row]
    changed += [{**row, column: value} for column in row for value in ODD]
    for other in changed:
        write_rows(path, [row, other])
        try:
            registry.read(path, registry.named(name))
        except InputError as error:
            assert "a.jsonl" in str(error)  # noqa: PT017 - some are read
