"""What an audit would ask of a judge, and what that would cost: at most, since most null models are decided early."""

from dataclasses import dataclass
from itertools import islice

from judgebench import store
from judgebench.clients.providers import price_of
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.services.audits.registry import AuditSettings, audit_of, most_calls
from judgebench.services.judges import resolved
from judgebench.store.database import Database

_SAMPLE = 100  # instructions, of whose texts a prompt's length is the mean
_CHARS_A_TOKEN = 4  # for want of the judge's own tokenizer, as estimates of runs have it
_OUTPUTS = {"pairwise": 2, "pointwise": 1}  # in a prompt


@dataclass(frozen=True, slots=True)
class AuditEstimate:
    """Calls and tokens of an audit that has to ask everything; what is stored already is not asked again."""

    judge: str | None  # None: nobody is asked
    calls: int  # at most
    prompt_tokens: int  # about, of all calls
    reply_tokens: int | None  # of all calls, as long as the judge's last replies; None where there are none
    seconds: float | None  # at their latency and the audit's concurrency
    cost_usd: float | None  # at most; of the prompts alone where replies are not known; None without a price


def estimate(database: Database, settings: AuditSettings) -> AuditEstimate:
    """Nothing is asked, and nothing written. Raises as the audit does before it asks."""
    calls = most_calls(database, audit_of(settings).name, settings)
    judge = getattr(settings, "judge", None)
    if judge is None or not calls:
        return AuditEstimate(None, 0, 0, None, None, 0.0)
    known = resolved(database, judge)
    with database.read() as connection:
        reply_tokens, latency_s = store.verdicts.past_replies(connection, known.judge.digest)
    tokens = round(calls * _prompt_chars(database, settings.benchmark, known.template) / _CHARS_A_TOKEN)
    replied = None if reply_tokens is None else round(calls * reply_tokens)
    price = price_of(known.spec)
    if price is None and getattr(settings, "max_cost", None) is not None:
        raise InputError(f"a limit in USD needs the price of {known.judge.name!r}: limit the calls instead")
    at_once = min(getattr(settings, "concurrency", 1), calls)
    return AuditEstimate(
        judge=known.judge.name,
        calls=calls,
        prompt_tokens=tokens,
        reply_tokens=replied,
        seconds=None if latency_s is None else latency_s * calls / at_once,
        cost_usd=None if price is None else (price.prompt * tokens + price.completion * (replied or 0)) / 1e6,
    )


def _prompt_chars(database: Database, benchmark: str, template: Template) -> float:
    """Mean characters of a prompt: the template's, an instruction's and as many outputs as are shown. Raises
    UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        names = store.benchmarks.model_names(connection, benchmark_id)
    rows = list(islice(store.benchmarks.answered_instructions(database, benchmark_id, names), _SAMPLE))
    instructions = [len(row.instruction.visible) for row in rows]
    outputs = [len(output.visible) for row in rows for output in row.outputs.values()]
    around = len(template.system or "") + len(template.user or "")
    return around + _mean(instructions) + _OUTPUTS.get(template.kind, 1) * _mean(outputs)


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0
