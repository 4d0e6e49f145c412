"""VISCO: questions about an image, a model's reasoning in steps and its answer, and criticism of each step.

Question, image, reference and the whole response are kept, whose last step is the answer, with what is said of each
step; of a response without an answer its reasoning. Source: uclanlp/VISCO, its description.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.formats import Format
from judgebench.formats.beside import stepped
from judgebench.formats.documents import file_rows
from judgebench.formats.held_images import ADDRESSES, image_part
from judgebench.formats.outputs import OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.sample_counts import SampleCounts
from judgebench.records import Rating

_OF: Mapping[bool, Rating] = {True: "good", False: "bad"}
_UNANSWERED = "answers that are missing: of such a response its reasoning is kept"
_MODELS = ("model", "source_model", "response_model", "lvlm")  # as metadata may call who responded


def read_visco(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """The responses; several to a question are samples. Raises InputError naming file, line and field."""
    unkept: Counter[str] = Counter()
    file = gather_outputs(_exchanges(filename, limits, unkept), str(filename))
    return replace(file, unkept={name: number for name, number in unkept.items() if number})


def _exchanges(filename: Filename, limits: ReadLimits | None, unkept: Counter[str]) -> Iterator[FileRow]:
    samples = SampleCounts()
    for row in file_rows(filename, limits=limits):
        part, is_held = image_part(row, "image", row.values.get("image"))
        unkept[ADDRESSES] += not is_held
        question = [{"type": "text", "text": row.text("question")}, part]
        response, metadata = _response(row, unkept), row.values.get("meta_data")
        told = metadata if isinstance(metadata, Mapping) else {}
        model = next((told[name] for name in _MODELS if isinstance(told.get(name), str)), "visco")
        values: dict[str, Any] = {
            "messages": [{"role": "user", "content": question}],
            **response,
            "model": model,
            "sample": samples.number(repr((question, model)), response["output"]),
        }
        if isinstance(row.values.get("label"), str) and row.values["label"].strip():
            values["reference"] = row.values["label"]
        if row.values.get("id") is not None:
            values["id"] = row.values["id"]
        yield FileRow(row.place, values, row.nulls)


def _response(row: FileRow, unkept: Counter[str]) -> dict[str, Any]:
    """The steps and the answer, a line each, and what is said of them."""
    response = row.values.get("response")
    if not isinstance(response, Mapping):
        raise row.error("response", "expected an object with reasoning and answer")
    steps, given = response.get("reasoning"), response.get("answer")
    listed = steps if isinstance(steps, list) else [steps] * (steps is not None)
    if given is None and not listed:
        raise row.error("response", "has neither reasoning nor an answer")
    unkept[_UNANSWERED] += given is None
    answer = row.values.get("answer_correctness")
    ratings = [*_correctness(row, len(listed)), _OF[answer] if isinstance(answer, bool) else None]
    more = {at: (None, critique) for at, critique in enumerate(_critiques(row))}
    return stepped(row, "response", [*listed, "" if given is None else given], ratings, VISCO.name, unkept, more)


def _correctness(row: FileRow, count: int) -> list[Rating | None]:
    """Of each step, as far as anything is said."""
    told = row.values.get("reasoning_correctness")
    if not isinstance(told, list):
        return [None] * count
    if len(told) != count or not all(isinstance(right, bool | None) for right in told):
        raise row.error("reasoning_correctness", f"expected true or false of each of {count} steps")
    return [None if right is None else _OF[right] for right in told]


def _critiques(row: FileRow) -> list[str | None]:
    """What is said against each step."""
    told = row.values.get("reasoning_critic")
    several = [item if isinstance(item, list) else [item] for item in told] if isinstance(told, list) else []
    return ["\n".join(text for text in texts if isinstance(text, str) and text) or None for texts in several]


VISCO = Format(
    name="visco",
    holds="outputs",
    help="VISCO: questions about images and responses in steps, with what is said of each step.",
    recognises=lambda sample: sample.holds("question", "image", "response", "reasoning_correctness"),
    read=read_visco,
    benchmark="visco",
)
