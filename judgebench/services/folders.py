"""Exports that are folders: a benchmark with all that belongs to it as parquet files, and Arena-Hard's."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from judgebench.formats.arena_hard_files import answer_row, games_beyond, judgment_row, question_row
from judgebench.formats.judged_pairs import of_one_turn
from judgebench.formats.writing import json_object
from judgebench.formats.written_folders import file_name
from judgebench.services import pairs, parts
from judgebench.services.parts import PairChoice, Part
from judgebench.store.database import Database

NAMES: Mapping[str, str] = {  # of a folder's files, by what they hold, in the order in which they are read back
    "instructions": "instructions.parquet",
    "lineage": "models.parquet",
    "judges": "judges.parquet",
    "outputs": "outputs.parquet",
    "verdicts": "verdicts.parquet",
    "labels": "labels.parquet",
}


def readme(rows: Mapping[str, int], about: Mapping[str, str], folder: Path) -> str:
    """Whose front matter says to Hugging Face's ``datasets`` which file is which; ``rows``: of each kind.

    A file's digest stands in it because ``datasets`` keeps what it read by the names of folder and file: another
    export into a folder of the same name would be taken for the first.
    """
    configs = [_config(folder / NAMES[kind]) for kind in rows]
    listed = [f"| `{NAMES[kind]}` | {kind} | {number} |\n" for kind, number in rows.items()]
    values = [f"- {name}: {_marked(value)}\n" for name, value in about.items()]
    return "".join(
        [
            *("---\nconfigs:\n", *configs, "---\n\n# A benchmark, exported by JudgeBench\n\n", *values),
            *("\n| file | holds | rows |\n|---|---|---|\n", *listed),
            "\n`judgebench import FOLDER --benchmark NAME` reads it back. Runs' times, audits, and where judges are\n"
            "reached are not in it.\n",
        ]
    )


def _config(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"- config_name: {path.stem}\n  data_files: {path.name}\n  description: sha256 {digest}\n"


def _marked(value: str) -> str:
    """A text as code, in which nothing is markup."""
    text = json.dumps(value, ensure_ascii=True).strip('"').replace("`", "'")
    return f"`{text}`"


def arena_hard(database: Database, part: Part, folder: Path) -> int:
    """Questions, answers and judgments as version 2 lays them out; returns how many rows there are."""
    rows = _Lines(folder)
    for (instruction,) in parts.instructions(database, part):
        if of_one_turn(instruction):
            rows.add("question.jsonl", question_row(instruction))
        else:
            part.left_out["instructions with more than one text"] += 1
    baseline = pairs.chosen_baseline(database, part)
    models = tuple(sorted({baseline, *part.models})) if part.models else ()
    for instruction, output in pairs.outputs_of_one_turn(database, replace(part, models=models)):
        rows.add(f"model_answer/{file_name(output.model)}.jsonl", answer_row(instruction, output))
    for pair, _ in pairs.battles_with_baseline(database, replace(part, choice=PairChoice(baseline))):
        row = judgment_row(pair, baseline)
        del part.left_out[pairs.REPLIES]  # which are in the games
        part.left_out["verdicts beyond one in each order, or whose order is not known"] += games_beyond(pair)
        rows.add(f"model_judgment/{file_name(row['judge'])}/{file_name(row['model'])}.jsonl", row)
    return rows.count


class _Lines:
    """Lines of many files, each open only while it is written to."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.count = folder, 0

    def add(self, name: str, row: Mapping[str, Any]) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(json_object(row) + b"\n")
        self.count += 1
