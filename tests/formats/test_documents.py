"""Files whose rows stand in one document are read as others are, and broken ones are refused by their names."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.documents import file_rows, read_sample
from judgebench.formats.reading import ReadLimits
from tests.formats.writing import write_file, write_rows

SAMPLE = {"id": 1, "epoch": 1, "input": "q", "target": "t", "messages": [], "metadata": {"category": "c", "x": 1}}
LOG = {"version": 2, "eval": {"model": "m"}, "samples": [SAMPLE, SAMPLE]}
RESULTS = {"results": {"results": [{"prompt": {"raw": "q"}, "response": {"output": "a"}, "provider": "p"}]}}


@pytest.mark.parametrize(("document", "unit", "count"), [(LOG, "sample", 2), (RESULTS, "result", 1)])
def test_the_rows_of_a_document(tmp_path: Path, document: Any, unit: str, count: int) -> None:
    for name in ("a.json", "a.json.gz"):
        rows = list(file_rows(write_file(tmp_path / name, json.dumps(document))))
        assert [(row.place.unit, row.place.number) for row in rows] == [(unit, n + 1) for n in range(count)]
    assert read_sample(tmp_path / "a.json").rows == tuple(row.values for row in rows)


def test_metadata_tell_what_is_known_of_an_instruction(tmp_path: Path) -> None:
    row = next(file_rows(write_file(tmp_path / "a.json", json.dumps(LOG))))
    assert (row.values["category"], row.values["model"], "x" in row.values) == ("c", "m", False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"instruction": "q"}', "expected a JSON list"),
        ('{"messages": [{"role": "user", "content": "q"}]}', r"holds one conversation.*put one row into a list"),
        ('{"results": {"results": [1]}}', r"results.results\[0\]"),
        ('{"eval": {}, "samples": 5}', "is no log of Inspect"),
        ('{"eval": {}, "samples": []}', "holds no rows"),
        ('{"eval": ', "not valid JSON"),
    ],
)
def test_other_objects_are_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"a\.json.*{words}"):
        list(file_rows(write_file(tmp_path / "a.json", text)))


def test_limits_hold_and_other_files_are_read_as_before(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.json", json.dumps(LOG))
    with pytest.raises(InputError, match="only 1 rows"):
        list(file_rows(path, limits=ReadLimits(rows=1)))
    assert len(list(file_rows(write_rows(tmp_path / "b.jsonl", [{"instruction": "q"}])))) == 1
    with pytest.raises(InputError, match=r"b\.eval"):
        list(file_rows(write_file(tmp_path / "b.eval", "no archive")))
