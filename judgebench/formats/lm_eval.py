"""Samples of lm-evaluation-harness (``samples_TASK_DATE.jsonl``): a document of a task, the request, and the replies.

Only requests that generate have a text of the model's; those of log-likelihoods have numbers. A row stands for a
document and a filter, so that the same replies may come several times. The model's name is in none of them: it is that
of the folder. Source: EleutherAI/lm-evaluation-harness, lm_eval/loggers/evaluation_tracker.py.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.outputs import OutputsFile, gather_outputs
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.formats.sample_counts import SampleCounts

_COLUMNS = ("doc_id", "doc", "target", "arguments", "resps", "filtered_resps")


def read_lm_eval(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """The replies to requests that generate. Raises InputError naming file, row and field."""
    unkept: Counter[str] = Counter()
    file = gather_outputs(_exchanges(filename, limits, unkept), str(filename))
    return replace(file, unkept={name: number for name, number in unkept.items() if number})


def _exchanges(filename: Filename, limits: ReadLimits | None, unkept: Counter[str]) -> Iterator[FileRow]:
    samples = SampleCounts()
    for row in file_rows(filename, limits=limits):
        prompt, visuals = _prompt(row)
        unkept["images and other media of prompts"] += visuals
        metrics = row.values.get("metrics")
        unkept["scores of metrics"] += len(metrics) if isinstance(metrics, list) else 0
        values: dict[str, Any] = {"prompt": prompt, "output": _replies(row)}
        values["sample"] = samples.number(repr(prompt), row.values.get("doc_id"))
        target = row.values.get("target")
        if isinstance(target, str | int | float) and str(target).strip():
            values["reference"] = str(target)
        if row.values.get("doc_id") is not None:
            values["id"] = row.values["doc_id"]
        yield FileRow(row.place, values, row.nulls)


def _prompt(row: FileRow) -> tuple[Any, int]:
    """What was asked, a text or messages, and how many images stood beside it."""
    requests = row.values.get("arguments")
    if isinstance(requests, Mapping):
        requests = list(requests.values())
    if not isinstance(requests, list) or not requests:
        raise row.error("arguments", "expected the requests of a sample: gen_args_0 with arg_0 and arg_1")
    parts = [list(request.values()) if isinstance(request, Mapping) else request for request in requests]
    if len(parts) > 1 or not isinstance(parts[0], list) or len(parts[0]) < 2 or not isinstance(parts[0][1], Mapping):
        raise row.error(
            "arguments",
            "asks for log-likelihoods, to which there is no text of the model's: only samples of tasks that generate "
            "(output_type generate_until) are read",
        )
    prompt = parts[0][0]
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        prompt = prompt[0]  # as a chat template for a server's messages is written
    visuals = [item for extra in parts[0][2:] if isinstance(extra, Mapping) for item in extra.values()]
    return prompt, sum(len(item) if isinstance(item, list) else 1 for item in visuals)


def _replies(row: FileRow) -> Any:
    """The texts that came back, several where the request was repeated."""
    resps = row.values.get("resps")
    if isinstance(resps, list) and len(resps) == 1:
        texts = resps[0] if isinstance(resps[0], list) else [resps[0]]
        if texts and all(isinstance(text, str) for text in texts):
            return texts[0] if len(texts) == 1 else texts
    raise row.error("resps", "expected the replies to one request, a list in a list")


LM_EVAL = Format(
    name="lm-eval",
    holds="outputs",
    help="Samples of lm-evaluation-harness, of tasks that generate: arguments, resps and target; name the --model.",
    recognises=lambda sample: sample.holds(*_COLUMNS),
    read=read_lm_eval,
)
