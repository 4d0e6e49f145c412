"""Files of judges, which say what no verdict does: what a template shows that is not here."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench.errors import InputError
from judgebench.formats.judges_file import JUDGES, judge_row, read_judges
from judgebench.formats.writing import write_rows
from judgebench.judging.templates import Template
from judgebench.records import Judge
from judgebench.spec.templates import templates

JUDGE = Judge("=judge", "gpt", "/mine.md", "0" * 32, {"temperature": 0})


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("shows", [(), ("checklist", "reference")])
def test_a_judge_is_read_back(tmp_path: Path, ending: str, shows: tuple[str, ...]) -> None:
    path = tmp_path / f"judges.{ending}"
    write_rows(path, JUDGES.columns, [judge_row(JUDGE, shows)])
    assert read_judges(path).judges == ((JUDGE, shows),)


@pytest.mark.slow
@pytest.mark.parametrize("template", templates(), ids=lambda template: template.id)
def test_a_judge_by_any_template_is_read_back(tmp_path: Path, template: Template) -> None:
    path = tmp_path / "judges.parquet"
    write_rows(path, JUDGES.columns, [judge_row(JUDGE, template.shows)])
    assert read_judges(path).judges == ((JUDGE, template.shows),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"settings": "["}, "field 'settings'"),
        ({"settings": "[]"}, "expected a JSON object"),
        ({"shows": ["instruction"]}, "some of afterwards, checklist, goals, reference, steps"),
        ({"template": 7}, "field 'template'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "judges.jsonl"
    path.write_text(json.dumps(judge_row(JUDGE, ()) | changes) + "\n")
    with pytest.raises(InputError, match=message):
        read_judges(path)
