"""HELM: the requests of a run with their results, and what its pages show of them.

``scenario_state.json`` holds a request state an instance and trial; ``display_requests.json`` the prompts by the
instance's id, ``display_predictions.json`` what was predicted. Instances whose request only scored given text have no
output. Source: stanford-crfm/helm, benchmark/adaptation/request_state.py and presentation/run_display.py.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import ExchangeReader
from judgebench.formats.fields import Columns
from judgebench.formats.known import NOTHING, Known, joined
from judgebench.formats.outputs import InstructionRow, InstructionsFile, OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.sample_counts import SampleCounts

_SCORED = "requests that only score given text"
_MISSING = "requests without a result"
_ALTERNATIVES = "references that are several alternatives"


def read_helm(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """The completions of a scenario's requests. Raises InputError naming file, row and field."""
    unkept: Counter[str] = Counter()
    exchanges = list(_exchanges(filename, limits, unkept))
    counts = {name: number for name, number in unkept.items() if number}
    if not exchanges:
        reasons = ", ".join(f"{name} ({number:,})" for name, number in counts.items())
        raise InputError(f"{filename}: holds no text of a model's: {reasons}")
    return replace(gather_outputs(exchanges, str(filename)), unkept=counts)


def _exchanges(filename: Filename, limits: ReadLimits | None, unkept: Counter[str]) -> Iterator[FileRow]:
    samples = SampleCounts()
    for row in file_rows(filename, limits=limits):
        instance, request = (_object(row, column) for column in ("instance", "request"))
        result = row.values.get("result")
        if not isinstance(result, Mapping) or result.get("success") is False or not result.get("completions"):
            unkept[_MISSING] += 1
            continue
        if row.values.get("reference_index") is not None or request.get("max_tokens") == 0:
            unkept[_SCORED] += 1
            continue
        prompt = _prompt(row, request)
        values: dict[str, Any] = {"prompt": prompt, "output": _completions(row, result)}
        values |= _about(instance, unkept)
        values |= _named(instance.get("id"), instance.get("perturbation"), row.values.get("train_trial_index"))
        model = request.get("model") or row.values.get("model")
        if isinstance(model, str) and model:
            values["model"] = model
        trial = (instance.get("id"), row.values.get("train_trial_index"), instance.get("perturbation"))
        values["sample"] = samples.number(repr((prompt, model)), trial)
        yield FileRow(row.place, values, row.nulls)


def _object(row: FileRow, column: str) -> Mapping[str, Any]:
    value = row.values.get(column)
    if not isinstance(value, Mapping):
        raise row.error(column, "expected an object")
    return value


def _prompt(row: FileRow, request: Mapping[str, Any]) -> Any:
    """The text that was sent, or the messages of a chat."""
    messages = request.get("messages")
    prompt = messages if isinstance(messages, list) and messages else request.get("prompt")
    if isinstance(request.get("multimodal_prompt"), Mapping):
        raise row.error("request", "holds a multimodal prompt, whose files are not in this file")
    if not prompt:
        raise row.error("request", "holds neither a prompt nor messages")
    return prompt


def _completions(row: FileRow, result: Mapping[str, Any]) -> Any:
    completions = result["completions"]
    listed = completions if isinstance(completions, list) else []
    texts = [row.as_text("result", item.get("text") if isinstance(item, Mapping) else item) for item in listed]
    if not texts:
        raise row.error("result", "expected a list of completions with their texts")
    return texts[0] if len(texts) == 1 else texts


def _about(instance: Mapping[str, Any], unkept: Counter[str]) -> dict[str, Any]:
    """The instance's correct reference, where it has one."""
    references = instance.get("references")
    correct = [
        reference["output"]["text"]
        for reference in (references if isinstance(references, list) else [])
        if isinstance(reference, Mapping)
        and "correct" in (reference.get("tags") or ())
        and isinstance(reference.get("output"), Mapping)
        and isinstance(reference["output"].get("text"), str)
    ]
    unkept[_ALTERNATIVES] += len(correct) > 1
    return {"reference": correct[0]} if len(correct) == 1 and correct[0].strip() else {}


def _named(id: Any, perturbation: Any, trial: Any) -> dict[str, Any]:
    """What a prompt is called in all files of a run: the instance, and what was done to it."""
    if not isinstance(id, str) or not id:
        return {}
    change = perturbation.get("name") if isinstance(perturbation, Mapping) else None
    return {"id": " ".join(str(part) for part in (id, change, f"trial {trial}" if trial else None) if part)}


def read_helm_requests(filename: Filename, *, limits: ReadLimits | None = None) -> InstructionsFile:
    """The prompts of display_requests.json. Raises InputError naming file, row and field."""
    reader = ExchangeReader(Columns({}), limits=limits)
    items: dict[str, InstructionRow] = {}
    repeated = 0
    for row in file_rows(filename, limits=limits):
        values = {"prompt": _prompt(row, _object(row, "request"))} | _shown(row)
        instruction = reader.instruction(FileRow(row.place, values))
        earlier = items.get(instruction.key)
        repeated += earlier is not None
        ids = set(instruction.ids) | set(() if earlier is None else earlier.instruction.ids)
        items[instruction.key] = InstructionRow(replace(instruction, ids=tuple(sorted(ids))), row.place)
    return InstructionsFile(str(filename), tuple(items.values()), repeated, {"instruction": "request"}, reader.blobs)


def _shown(row: FileRow) -> dict[str, Any]:
    values = row.values
    return _named(values.get("instance_id"), values.get("perturbation"), values.get("train_trial_index"))


def read_helm_predictions(
    filename: Filename, *, limits: ReadLimits | None = None, known: Known = NOTHING
) -> OutputsFile:
    """The texts of display_predictions.json, to instructions with these ids. Raises InputError naming file, row and
    field."""
    rows = []
    for row in file_rows(filename, limits=limits):
        named = {"instance_id": _shown(row).get("id")}
        joined(known, FileRow(row.place, named), "instance_id")
        rows.append(FileRow(row.place, {"id": named["instance_id"], "output": row.text("predicted_text")}))
    return gather_outputs(rows, str(filename), known=known)


HELM = Format(
    name="helm",
    holds="outputs",
    help="HELM's scenario_state.json: request states with instance, request and result.",
    recognises=lambda sample: (
        sample.holds("instance", "request", "result")
        and all(isinstance(row.get("request"), dict) and isinstance(row.get("instance"), dict) for row in sample.rows)
    ),
    read=read_helm,
)
HELM_REQUESTS = Format(
    name="helm-requests",
    holds="instructions",
    help="HELM's display_requests.json: instance_id and request.",
    recognises=lambda sample: (
        sample.holds("instance_id", "request") and all(isinstance(row.get("request"), dict) for row in sample.rows)
    ),
    read=read_helm_requests,
)
HELM_PREDICTIONS = Format(
    name="helm-predictions",
    holds="outputs",
    help="HELM's display_predictions.json: instance_id and predicted_text; the requests are imported first.",
    recognises=lambda sample: sample.holds("instance_id", "predicted_text"),
    read=read_helm_predictions,
    joins=True,
)
