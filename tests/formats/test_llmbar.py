"""LLMBar: labels count from 1."""

from pathlib import Path

import pytest

from judgebench.errors import InputError
from judgebench.formats.llmbar import read_llmbar
from judgebench.formats.registry import recognise
from tests.formats.writing import write_rows

ROW = {"input": "Say hi.", "output_1": "bye", "output_2": "hi", "label": 2}


def test_the_label_is_the_better_outputs_number(tmp_path: Path) -> None:
    for name in ("dataset.json", "dataset.csv"):
        path = write_rows(tmp_path / name, [ROW, ROW | {"input": "Say bye.", "label": 1}])
        assert recognise(path).name == "llmbar"
        file = read_llmbar(path)
        assert [row.preference for row in file.rows] == [0.0, 1.0]
        assert [(row.first.column, row.annotator) for row in file.rows] == [("output_1", "llmbar")] * 2


def test_other_labels_and_other_columns_are_not_llmbars(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"d\.json, row 1, field 'label': expected 1 or 2.*found '0'"):
        read_llmbar(write_rows(tmp_path / "d.json", [ROW | {"label": 0}]))
    assert recognise(write_rows(tmp_path / "l.json", [ROW | {"scenario": "s"}])).name == "labels"
