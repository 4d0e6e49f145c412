"""Logs of OpenAI evals: a line that says what was run, then an event a line.

Events of the type ``sampling`` hold what was asked and what came back, ``match`` what was expected. Where several
completion functions ran, the first is evaluated and later replies to a sample may be a grader's: these are counted.
Source: openai/evals, evals/record.py.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from judgebench.errors import InputError
from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.outputs import OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.sample_counts import SampleCounts

_LATER = "later replies to a sample, which may be a grader's"
_ALTERNATIVES = "expected answers that are several alternatives"


def read_openai_evals(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """What models replied. Raises InputError naming file, line and field."""
    models: list[str] = []
    sampled: list[FileRow] = []
    expected: dict[str, Any] = {}
    unkept: Counter[str] = Counter()
    for row in file_rows(filename, limits=limits):
        match row.values.get("type"):
            case "sampling":
                sampled.append(row)
            case "match" if isinstance(row.values.get("data"), Mapping):
                expected.setdefault(_sample(row), row.values["data"].get("expected"))
                unkept["events of the type match"] += 1
            case None if isinstance(row.values.get("spec"), Mapping):
                models = _models(row, row.values["spec"])
            case None:
                unkept["final reports"] += "final_report" in row.values
            case kind:
                unkept[f"events of the type {str(kind)[:40]}"] += 1
    if not sampled:
        raise InputError(f"{filename}: holds no event of the type sampling, which is what a model replied")
    rows = _exchanges(sampled, models, expected, unkept)
    file = gather_outputs(rows, str(filename))
    return replace(file, unkept={name: number for name, number in unkept.items() if number})


def _models(row: FileRow, spec: Mapping[str, Any]) -> list[str]:
    names = spec.get("completion_fns") or spec.get("model_name") or []
    names = names.get("completions", []) if isinstance(names, Mapping) else names
    listed = names if isinstance(names, list) else [names]
    return [row.as_text("spec", name) for name in listed]


def _sample(row: FileRow) -> str:
    return str(row.values.get("sample_id"))


def _exchanges(
    sampled: list[FileRow], models: list[str], expected: Mapping[str, Any], unkept: Counter[str]
) -> list[FileRow]:
    rows, samples = [], SampleCounts()
    first: dict[str, FileRow] = {}
    for row in sampled:
        id = _sample(row)
        if first.setdefault(id, row) is not row and len(models) > 1:
            unkept[_LATER] += 1
            continue
        data = row.values.get("data")
        if not isinstance(data, Mapping) or not data.get("prompt"):
            raise row.error("data", "expected an event with prompt and sampled")
        values: dict[str, Any] = {"prompt": _prompt(row, data["prompt"]), "output": _replies(row, data.get("sampled"))}
        model = data.get("model") if isinstance(data.get("model"), str) and len(models) != 1 else None
        if model or models:
            values["model"] = model or models[0]
        values |= _about(id, expected.get(id), unkept)
        values["sample"] = samples.number(repr((values["prompt"], values.get("model"))), id)
        rows.append(FileRow(row.place, values, row.nulls))
    return rows


def _prompt(row: FileRow, prompt: Any) -> Any:
    if isinstance(prompt, list) and all(isinstance(part, str) for part in prompt):
        raise row.error("data", "its prompt is a list of texts, which may be alternatives: expected a text or messages")
    return prompt


def _replies(row: FileRow, sampled: Any) -> Any:
    """One text, or several samples."""
    texts = sampled if isinstance(sampled, list) else [sampled]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise row.error("data", "expected the replies as sampled, a text or a list of texts")
    return texts[0] if len(texts) == 1 else [[text] for text in texts]


def _about(id: str, expected: Any, unkept: Counter[str]) -> dict[str, Any]:
    alternatives = expected if isinstance(expected, list) else [expected]
    unkept[_ALTERNATIVES] += len(alternatives) > 1
    reference = alternatives[0] if len(alternatives) == 1 else None
    known = {"reference": reference} if isinstance(reference, str) and reference.strip() else {}
    return known | ({"id": id} if id != "None" else {})


def _is_log(sample: Sample) -> bool:
    events = ("run_id", "event_id", "type", "data")
    return "spec" in sample.rows[0] and isinstance(sample.rows[0]["spec"], dict) and sample.holds(*events)


OPENAI_EVALS = Format(
    name="openai-evals",
    holds="outputs",
    help="A log of OpenAI evals: a line with spec, then events, of which sampling is what a model replied.",
    recognises=_is_log,
    read=read_openai_evals,
)
