"""VISCO: questions about an image, a model's reasoning in steps and its answer, and criticism of each step.

Question, image, reference and the whole response are kept. What is said of single steps, and whether the answer is
correct, compare nothing: they are counted. Source: uclanlp/VISCO, its description.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.held_images import ADDRESSES, image_part
from judgebench.formats.outputs import OutputsFile, gather_outputs
from judgebench.formats.process_steps import STEPS
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.sample_counts import SampleCounts

_CRITIQUES = "critiques of steps"
_ANSWERS = "judgments of an answer, which compare nothing"
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
        response, metadata = _response(row), row.values.get("meta_data")
        told = metadata if isinstance(metadata, Mapping) else {}
        model = next((told[name] for name in _MODELS if isinstance(told.get(name), str)), "visco")
        values: dict[str, Any] = {
            "messages": [{"role": "user", "content": question}],
            "output": response,
            "model": model,
            "sample": samples.number(repr((question, model)), response),
        }
        if isinstance(row.values.get("label"), str) and row.values["label"].strip():
            values["reference"] = row.values["label"]
        if row.values.get("id") is not None:
            values["id"] = row.values["id"]
        _count(row, unkept)
        yield FileRow(row.place, values, row.nulls)


def _response(row: FileRow) -> str:
    """The steps and the answer, a line each."""
    response = row.values.get("response")
    if not isinstance(response, Mapping):
        raise row.error("response", "expected an object with reasoning and answer")
    steps = response.get("reasoning")
    listed = steps if isinstance(steps, list) else [steps]
    return "\n".join(row.as_text("response", text) for text in [*listed, response.get("answer")])


def _count(row: FileRow, unkept: Counter[str]) -> None:
    steps, critiques = row.values.get("reasoning_correctness"), row.values.get("reasoning_critic")
    unkept[STEPS] += len(steps) if isinstance(steps, list) else 0
    unkept[_CRITIQUES] += len(critiques) if isinstance(critiques, list) else 0
    unkept[_ANSWERS] += row.values.get("answer_correctness") is not None


VISCO = Format(
    name="visco",
    holds="outputs",
    help="VISCO: questions about images and responses in steps; what is said of steps is counted and left out.",
    recognises=lambda sample: sample.holds("question", "image", "response", "reasoning_correctness"),
    read=read_visco,
    benchmark="visco",
)
