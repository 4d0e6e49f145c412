"""Preference Proxy Evaluations, the correctness sets: K responses of a model to a prompt, and which are correct.

``scores`` says of each response whether it is correct, ``sampled_conflict_pairs`` which pairs of a correct and an
incorrect one count. The set of human preferences has the columns of labels. Source: lmarena-ai/PPE-*-Best-of-K.
"""

import re
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.human_labels import LabelFile, Side
from judgebench.formats.pairs import FIRST, SECOND, PairReader, named, subset_of_path
from judgebench.formats.reading import Filename, FileRow, ReadLimits

_RESPONSE = re.compile(r"response_(\d+)")
_READ = ("question_id", "prompt", "ground_truth", "model_name", "scores", "sampled_conflict_pairs")


def read_ppe(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """The conflict pairs, with the correct response preferred; the path tells their set. Raises InputError naming
    file, row and field."""
    pairs, outside, most = PairReader(filename, "ppe", limits=limits), 0, 0
    subset = subset_of_path(filename, "ppe")
    for row in file_rows(filename, limits=limits):
        pairs.note(row)
        reference = named(row, "ground_truth") if isinstance(row.values.get("ground_truth"), str) else None
        about = {"reference": reference, "id": named(row, "question_id")}
        instruction = pairs.instruction(row, row.text("prompt"), about)
        model = named(row, "model_name") or "model"
        responses, scores = _responses(row), _scores(row)
        sides: dict[int, Side] = {}
        for one, other in _conflicts(row, min(len(responses), len(scores))):
            for number in (one, other):
                if number not in sides:
                    column = responses[number]
                    output = pairs.text(row, column, row.values[column], instruction)
                    sides[number] = pairs.side(model, output, column)
            if sides[one].model == sides[other].model:
                raise row.error("sampled_conflict_pairs", f"the pair {[one, other]} is one text, correct and not")
            better = FIRST if scores[one] > scores[other] else SECOND
            pairs.add(row, instruction, sides[one], sides[other], better, subset=subset)
        outside, most = outside + len(responses) - len(sides), max(most, len(responses))
    used = {"instruction": "prompt", "label": "sampled_conflict_pairs", "generator": "model_name"}
    read = (*_READ, *(f"response_{number}" for number in range(1, most + 1)))
    return pairs.file(used, read, {"responses in no pair": outside})


def _responses(row: FileRow) -> list[str]:
    """The columns of the responses, by their numbers."""
    numbered = {int(match[1]): column for column in row.values if (match := _RESPONSE.fullmatch(column))}
    if sorted(numbered) != list(range(1, len(numbered) + 1)):
        raise row.error("response_1", "expected the columns response_1, response_2 ... without a gap")
    return [numbered[number] for number in sorted(numbered)]


def _scores(row: FileRow) -> list[bool]:
    scores = row.values.get("scores")
    if not isinstance(scores, list) or not all(isinstance(score, bool | int | float) for score in scores):
        raise row.error("scores", "expected a list that says of each response whether it is correct")
    return [bool(score) for score in scores]


def _conflicts(row: FileRow, count: int) -> list[tuple[int, int]]:
    """Numbers of responses, from 0, of which one is correct; each pair once."""
    listed = row.values.get("sampled_conflict_pairs")
    if not isinstance(listed, list) or not all(_is_pair(pair, count) for pair in listed):
        raise row.error("sampled_conflict_pairs", f"expected pairs of numbers of responses, from 0 to {count - 1}")
    scores = _scores(row)
    even = next((pair for pair in listed if scores[pair[0]] == scores[pair[1]]), None)
    if even is not None:
        raise row.error("sampled_conflict_pairs", f"the responses of {even} have the same score")
    return [(one, other) for one, other in dict.fromkeys(map(tuple, listed))]


def _is_pair(pair: Any, count: int) -> bool:
    numbers = isinstance(pair, list) and len(pair) == 2 and all(isinstance(number, int) for number in pair)
    return numbers and all(0 <= number < count for number in pair)


PPE = Format(
    name="ppe",
    holds="labels",
    help="PPE's correctness sets: a model's K responses, their scores, and pairs of a correct and an incorrect one.",
    recognises=lambda sample: sample.holds("prompt", "response_1", "scores", "sampled_conflict_pairs"),
    read=read_ppe,
    benchmark="ppe",
)
