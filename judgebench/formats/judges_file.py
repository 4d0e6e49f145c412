"""Judges as they are stored, one row a judge: what it is, and what beside the conversation its template shows.

Where a judge is reached is no part of it, and in no file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from judgebench.formats import Format
from judgebench.formats.delimited import restored_cells
from judgebench.formats.documents import file_rows
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.judging.templates import SHOWN
from judgebench.records import Judge

_NAMES = ("judge", "judge_model", "template", "template_digest")


@dataclass(frozen=True, slots=True)
class JudgesFile:
    """Judges, each once, with what of an instruction beside its conversation is in the keys of their trials."""

    file: str
    judges: tuple[tuple[Judge, tuple[str, ...]], ...]  # at least one


def read_judges(filename: Filename, *, limits: ReadLimits | None = None) -> JudgesFile:
    """Raises InputError naming file, row and field."""
    judges: dict[str, tuple[Judge, tuple[str, ...]]] = {}
    for row in map(restored_cells, file_rows(filename, limits=limits)):
        judge, shown = _judge(row), _shown(row)
        if judge.name in judges:
            raise row.error("judge", f"{judge.name!r} is there twice")
        judges[judge.name] = (judge, shown)
    return JudgesFile(str(filename), tuple(judges.values()))


def _judge(row: FileRow) -> Judge:
    name, model, template, digest = (row.text(column) for column in _NAMES)
    try:
        settings = json.loads(row.text("settings"))
        json.dumps(settings, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise row.error("settings", f"cannot be read: {str(error)[:80]}") from error
    if not isinstance(settings, dict):
        raise row.error("settings", "expected a JSON object in a text")
    return Judge(name, model, template, digest, settings)


def _shown(row: FileRow) -> tuple[str, ...]:
    value = row.values.get("shows") or []
    if not isinstance(value, list) or not SHOWN.issuperset(value):
        raise row.error("shows", f"expected a list of some of {', '.join(sorted(SHOWN))}")
    return tuple(value)


def judge_row(judge: Judge, shows: Sequence[str]) -> dict[str, Any]:
    """``shows``: what of an instruction beside its conversation the keys of its trials hold."""
    return {
        **dict(zip(_NAMES, (judge.name, judge.model, judge.template, judge.template_digest), strict=True)),
        "settings": json.dumps(dict(judge.settings), sort_keys=True),
        "shows": list(shows),
    }


JUDGES = Format(
    name="judges",
    holds="judges",
    help="Judges with their LLM, template and settings, as judgebench export judges writes them.",
    recognises=lambda sample: set(sample.columns) == {*_NAMES, "settings", "shows"},
    read=read_judges,
    columns={**dict.fromkeys((*_NAMES, "settings"), "text"), "shows": "texts"},
    row=judge_row,
)
