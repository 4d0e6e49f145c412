"""AlpacaEval's files as its package reads them: ``annotations.json`` of a judge, ``model_outputs.json`` of a model."""

from collections.abc import Iterable
from typing import Any

from judgebench.formats import ColumnType, Format
from judgebench.formats.judged_pairs import JudgedPair, raw_logprobs
from judgebench.formats.outputs import read_outputs
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import Instruction, Output

ANNOTATION_COLUMNS: dict[str, ColumnType] = {
    **dict.fromkeys(("dataset", "instruction", "output_1", "generator_1", "output_2", "generator_2"), "text"),
    **{"annotator": "text", "preference": "number", "raw_completion": "object"},
    **dict.fromkeys(("price_per_example", "time_per_example"), "number"),
}


def annotation_row(pair: JudgedPair, baseline: str) -> dict[str, Any]:
    """A battle with ``baseline``, whose output is the first; several verdicts are one row, without their replies."""
    is_a = pair.a.model == baseline
    first, second = (pair.a, pair.b) if is_a else (pair.b, pair.a)
    mean = pair.preference
    replies = [recorded.completion for recorded in pair.verdicts if recorded.completion is not None]
    return {
        "dataset": pair.instruction.category,
        "instruction": pair.instruction.text,
        "output_1": first.text,
        "generator_1": first.model,
        "output_2": second.text,
        "generator_2": second.model,
        "annotator": pair.judge,
        "preference": None if mean is None else 1.0 + (1.0 - mean if is_a else mean),
        "raw_completion": _raw(pair.verdicts[0]) if len(pair.verdicts) == 1 else None,
        "price_per_example": _sum(reply.cost_usd for reply in replies),
        "time_per_example": _sum(reply.latency_s for reply in replies),
    }


def _sum(amounts: Iterable[float | None]) -> float | None:
    """None where none is known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _raw(verdict: RecordedVerdict) -> dict[str, Any] | None:
    reply = verdict.completion
    if reply is None:
        return None
    tokens = (reply.prompt_tokens, reply.completion_tokens)
    return {
        "text": reply.text,
        "finish_reason": reply.finish_reason,
        "logprobs": raw_logprobs(verdict),
        "total_tokens": None if None in tokens else sum(number or 0 for number in tokens),
    }


def model_output_row(instruction: Instruction, output: Output) -> dict[str, Any]:
    """Of an instruction of one turn."""
    return {
        "dataset": instruction.category,
        "instruction": instruction.text,
        "output": output.text,
        "generator": output.model,
    }


ALPACA_EVAL_OUTPUTS = Format(
    name="alpaca-eval-outputs",
    holds="outputs",
    help="AlpacaEval's model_outputs.json: dataset, instruction, output and generator.",
    read=read_outputs,
    maps=True,
    columns=dict.fromkeys(("dataset", "instruction", "output", "generator"), "text"),
    row=model_output_row,
)
