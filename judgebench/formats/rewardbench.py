"""RewardBench 1 and 2: what a reward model or judge must prefer, by the data set's own key.

Version 1 has a chosen and a rejected completion a row. Version 2 has lists of them (best of n; its subset "Ties" has
several that are correct): each chosen one beside each rejected one is a labelled pair. Source: allenai/reward-bench and
allenai/reward-bench-2, as published.
"""

import json
from typing import Any

from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.human_labels import LabelFile
from judgebench.formats.pairs import PairReader, named
from judgebench.formats.reading import Filename, FileRow, ReadLimits, kind

_ONE = ("prompt", "chosen", "chosen_model", "rejected", "rejected_model", "subset", "id")
_TWO = ("prompt", "chosen", "rejected", "models", "subset", "id")
_MOST_PAIRS = 100_000  # that a row may make
_COUNTS = ("num_correct", "num_incorrect", "num_rejected", "total_completions")  # of the lists, which say it themselves


def read_rewardbench(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """The pairs of version 1. Raises InputError naming file, row and field."""
    pairs = PairReader(filename, "rewardbench", limits=limits)
    for row in file_rows(filename, limits=limits):
        pairs.note(row)
        instruction = _instruction(row, pairs)
        chosen = pairs.side(
            named(row, "chosen_model"), pairs.output(row, "chosen", row.values.get("chosen"), instruction), "chosen"
        )
        output = pairs.output(row, "rejected", row.values.get("rejected"), instruction)
        rejected = pairs.side(named(row, "rejected_model"), output, "rejected", beside=chosen)
        pairs.add(row, instruction, chosen, rejected, subset=named(row, "subset"))
    used = {"instruction": "prompt", "output_a": "chosen", "output_b": "rejected", "category": "subset"}
    return pairs.file(used, _ONE)


def _instruction(row: FileRow, pairs: PairReader) -> Any:
    if "prompt" not in row.values:
        raise row.error("prompt", "is missing")
    about = {"category": named(row, "subset"), "id": named(row, "id")}
    return pairs.instruction(row, row.values["prompt"], about)


def read_rewardbench_2(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """Every chosen completion beside every rejected one. Raises InputError naming file, row and field."""
    pairs = PairReader(filename, "rewardbench-2", limits=limits)
    for row in file_rows(filename, limits=limits):
        pairs.note(row)
        instruction = _instruction(row, pairs)
        chosen, rejected = (_listed(row, column) for column in ("chosen", "rejected"))
        if len(chosen) * len(rejected) > _MOST_PAIRS:
            raise row.error("chosen", f"makes more than {_MOST_PAIRS:,} pairs with rejected: split the lists")
        models = _models(row, len(chosen) + len(rejected))
        columned = [("chosen", text) for text in chosen] + [("rejected", text) for text in rejected]
        sides = [
            pairs.side(model, pairs.text(row, column, text, instruction), column)
            for model, (column, text) in zip(models, columned, strict=True)
        ]
        for first in sides[: len(chosen)]:
            for second in sides[len(chosen) :]:
                pairs.add(row, instruction, first, second, subset=named(row, "subset"))
    used = {"instruction": "prompt", "output_a": "chosen", "output_b": "rejected", "category": "subset"}
    return pairs.file(used, (*_TWO, *_COUNTS))


def _listed(row: FileRow, column: str) -> list[Any]:
    """At least one completion; tables hold the list as JSON in a text."""
    value = row.values.get(column)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise row.error(column, "expected a list of completions, in a table as JSON") from None
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else kind(value)
        raise row.error(column, f"expected a list of completions, found {what}")
    return value


def _models(row: FileRow, count: int) -> list[str]:
    """The name of each completion's model, the chosen ones first; where they are not told, "completion" and its
    number."""
    if row.values.get("models") in (None, ""):
        return [f"completion {number}" for number in range(1, count + 1)]
    models = [row.as_text("models", model).strip() for model in _listed(row, "models")]
    if len(models) == 1:
        return models * count
    if len(models) != count or not all(models):
        raise row.error("models", f"names {len(models)} models of {count} completions, chosen and rejected")
    return models


def _is_second(sample: Sample) -> bool:
    lists = any(_are_texts(row.get("chosen")) and _are_texts(row.get("rejected")) for row in sample.rows)
    return sample.holds("prompt", "chosen", "rejected") and (lists or sample.holds("num_correct", "total_completions"))


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


REWARDBENCH = Format(
    name="rewardbench",
    holds="labels",
    help="RewardBench 1: a chosen and a rejected completion, their models, and the subset.",
    recognises=lambda sample: (
        sample.holds("prompt", "chosen", "rejected", "chosen_model", "rejected_model", "subset")
        and not _is_second(sample)
    ),
    read=read_rewardbench,
    benchmark="rewardbench",
)
REWARDBENCH_2 = Format(
    name="rewardbench-2",
    holds="labels",
    help="RewardBench 2, best of n: each of the chosen completions beside each of the rejected.",
    recognises=_is_second,
    read=read_rewardbench_2,
    benchmark="rewardbench-2",
)
