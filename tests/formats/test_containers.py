"""Every format reads its rows from every kind of file that can hold them, with the same result."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from judgebench.formats.reading import Place
from judgebench.formats.registry import readable, recognise
from tests.formats import workbooks
from tests.formats.writing import write_file, write_rows

TEXTS = {"instruction": "q", "reference": "r"}
TALK = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
ROWS: Mapping[str, dict[str, Any]] = {  # by format, a row whose fields every kind of file can hold
    "instructions": {**TEXTS, "category": "c"},
    "outputs": {**TEXTS, "output": "a", "generator": "m"},
    "alpaca-eval": {
        **{"instruction": "q", "output_1": "x", "generator_1": "base", "output_2": "y", "generator_2": "m"},
        **{"annotator": "judge", "preference": 1.25, "raw_completion": {"text": "m", "n": [1]}},
    },
    "scalerlab": {
        **{"question": "q", "source": "s", "response_model": "m", "response_A": "x", "response_B": "y", "label": "A>B"},
        **{"judge_name": "j", "judgments": [{"judgment": {"judge_model": "l", "response": "t"}, "decision": "A>B"}]},
    },
    "labels": {"prompt": "q", "output_a": "x", "output_b": "y", "winner": "model_a", "annotator": "ann"},
    "lineage": {"model": "m", "family": "f", "parent": "p", "trained_on": "n"},
    "openai-chat": {
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        "model": "m",
    },
}
CONTAINERS = (
    *("a.json", "a.json.zst", "a.jsonl", "a.jsonl.gz", "envelope.json", "split.json", "columns.json", "lists.json"),
    *("a.csv", "semicolons.csv", "a.tsv", "a.tab.gz", "a.xlsx", "a.parquet", "a.arrow", "a.feather"),
)


def cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def write(path: Path, row: Mapping[str, Any]) -> Path:
    documents: dict[str, Any] = {
        "envelope.json": {"version": 1, "data": [row]},
        "split.json": {"columns": list(row), "index": [0], "data": [list(row.values())]},
        "columns.json": {name: {"0": value} for name, value in row.items()},
        "lists.json": {name: [value] for name, value in row.items()},
    }
    if path.name in documents:
        return write_file(path, json.dumps(documents[path.name]))
    texts = {name: cell(value) for name, value in row.items()}
    if path.suffix == ".xlsx":
        return workbooks.write_table(path, [list(texts), list(texts.values())])
    if path.name == "semicolons.csv":
        stream = io.StringIO()
        csv.writer(stream, delimiter=";").writerows([list(texts), list(texts.values())])
        return write_file(path, stream.getvalue())
    return write_rows(path, [texts if path.name.endswith((".csv", ".tsv", ".tab.gz")) else row])


def plain(value: Any) -> Any:
    """What was read, but for where it was read."""
    if isinstance(value, Place):
        return None
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in ("file", "place")}
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return None if isinstance(value, str) and value.startswith(("a.json", "/")) else value


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ROWS))
def test_a_format_reads_the_same_of_every_kind_of_file(tmp_path: Path, name: str) -> None:
    format = readable()[name]
    assert format.read is not None
    expected = None
    for container in CONTAINERS:
        folder = tmp_path / container
        folder.mkdir()
        if name == "openai-chat" and container == "lists.json":
            continue  # a list of lists of messages beside a list of names is refused: which are the rows is not said
        path = write(folder / container, ROWS[name])
        assert recognise(path).name in (name, "outputs"), container
        contents = plain(format.read(path, limits=None, **({"columns": {}} if format.maps else {})))
        for label in contents.get("labels", ()):
            label["source"] = None
        expected = expected or contents
        assert contents == expected, container
