"""What a study asks for, before anything is asked: which outputs meet, in which trials, their number and their price.

Pairwise templates compare outputs by the study's design; pointwise ones read every output by itself. Trials are
streamed a page of instructions at a time, so that a million of them never sit in memory, and everything is
deterministic: the same arguments plan the same trials, which is what makes a run resumable. Which trials are already
answered is the store's business.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from judgebench import store
from judgebench.clients.providers import price_of
from judgebench.engine.judges import ResolvedJudge, resolve
from judgebench.errors import InputError, UnknownName
from judgebench.judging.templates import OPTIONAL, Template, check_text, render
from judgebench.judging.visibility import not_shown, shows_alike, unseen_difference
from judgebench.keys import content_key
from judgebench.records import (
    Battle,
    ChatPrompt,
    Instruction,
    Order,
    Output,
    Prompt,
    Reading,
    Source,
    Status,
    Trial,
    Verdict,
)
from judgebench.spec import Study
from judgebench.spec.study import Orders
from judgebench.store.database import Database

_ESTIMATE_BATCH = 400
IDENTICAL_AS_SHOWN = "identical as shown"  # the detail of a tie of outputs that differ in what is not shown
_NO_NONCE = "0" * 16  # prompts are only measured


def battles(
    instruction: Instruction,
    outputs: Mapping[str, Output],
    *,
    baseline: str | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Iterator[Battle]:
    """The battles of one instruction, sorted by model names within the design.

    ``outputs`` maps a model's name to its output for this instruction. With ``baseline`` every other model meets it;
    with ``pairs`` just those meet, each unordered pair once; with neither, all pairs do. A model without an output
    here has no battle here: whoever plans a study counts these.

    Raises InputError when both designs are given, or a pair names one model twice.
    """
    if baseline is not None and pairs is not None:
        raise InputError("give a baseline or a list of pairs, not both")
    models = sorted(outputs)
    meetings: Iterable[tuple[str, str]] = combinations(models, 2)
    if baseline is not None:
        meetings = [(model, baseline) for model in models if model != baseline]
    elif pairs is not None:
        meetings = sorted({(min(pair), max(pair)) for pair in pairs})
    for one, other in meetings:
        if one == other:
            raise InputError(f"model {one!r} is paired with itself; name two different models")
        if one in outputs and other in outputs:
            yield Battle.of(instruction, outputs[one], outputs[other])


def trials(
    battle: Battle, judge_digest: str, *, orders: Orders = "both", repeats: int = 1, seed: int = 0
) -> Iterator[Trial]:
    """The trials of one battle, both orders of a repeat next to each other.

    ``both``: AB, then BA. ``random``: one order a repeat, drawn by ``seed`` and the battle, hence the same for every
    judge and on every machine. ``single``: AB always, that is the model whose name sorts first is shown first; its
    position bias cannot be told from quality, so use it only to save half the calls in a trial of the machine.

    Raises InputError when ``orders`` is none of these or ``repeats`` is below one.
    """
    if orders not in ("both", "random", "single"):
        raise InputError(f"orders is {orders!r}; it must be both, random or single")
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; it must be at least 1")
    shown = (Order.AB,) if orders == "single" else (Order.AB, Order.BA)
    for repeat in range(repeats):
        if orders == "random":
            drawn = content_key("order", seed, repeat, battle.instruction.key, battle.a.model, battle.b.model)
            shown = (Order.AB if int(drawn, 16) % 2 == 0 else Order.BA,)
        for order in shown:
            yield Trial(judge_digest, battle, order, repeat)


def readings(
    instruction: Instruction, outputs: Mapping[str, Output], judge_digest: str, *, repeats: int = 1
) -> Iterator[Reading]:
    """The pointwise trials of one instruction, sorted by model name.

    Raises InputError when ``repeats`` is below one.
    """
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; it must be at least 1")
    for model in sorted(outputs):
        for repeat in range(repeats):
            yield Reading(judge_digest, instruction, outputs[model], repeat)


def identical_verdict(trial: Trial, template: Template) -> Verdict | None:
    """What is known without asking where both outputs read the same to whoever is asked by the template, or None.

    A tie; but where they differ in images or other parts that the template does not show, nothing can be known, and
    the trial has failed until it can be shown.
    """
    if trial.battle.a.text != trial.battle.b.text or not shows_alike(template, trial):
        return None
    if unseen := unseen_difference(trial):
        why = f"not asked: the outputs differ only in what template {template.id} does not show ({', '.join(unseen)})"
        return Verdict(Status.FAILED, Source.NONE, detail=why)
    differ = trial.battle.a.digest != trial.battle.b.digest
    return Verdict(Status.TIE, Source.IDENTICAL, preference=0.5, detail=IDENTICAL_AS_SHOWN if differ else None)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a study asks for, before anything is asked, and of whom."""

    study: Study
    resolved: ResolvedJudge
    benchmark_id: int
    models: tuple[str, ...]
    battles: int  # none where the judge is pointwise
    outputs: int  # to be scored; none where the judge is pairwise
    trials: int  # planned, whether answered already or not
    missing: Mapping[str, int]  # model -> instructions of the benchmark that it has no output for, where there are any


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What running a plan would take. Tokens are characters / 4, for want of the judge's own tokenizer."""

    plan: RunPlan
    answered: int  # trials that have a verdict already
    identical: int  # trials decided without a call
    unseen: int  # trials that cannot be judged: the outputs differ only in what the template does not show
    calls: int
    not_shown: Mapping[str, int]  # parts that the calls do not show, by kind: "image", "reasoning" ...
    prompt_tokens: int
    reply_tokens: int | None  # as long as the judge's last replies; None where there are none
    seconds: float | None  # at their latency and the study's concurrency, the server willing
    cost_usd: float | None  # of the prompts, and of the replies where these are known; None without a price


def plan(database: Database, study: Study, judge: ResolvedJudge | None = None) -> RunPlan:
    """Count what the study asks for; ``judge`` is the study's own where it was resolved before.

    Raises InputError where it cannot be done as written.
    """
    resolved = judge or resolve(study.judge)
    template = resolved.template
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, study.benchmark)
        models = _models(study, template, store.benchmarks.model_names(connection, benchmark_id))
        present = store.benchmarks.presence(connection, benchmark_id, models, category=study.category)
        counts = _count(study, template.kind, models, islice(present, study.limit))
    if study.category is not None and not counts.instructions:
        raise InputError(f"benchmark {study.benchmark!r} has no instruction in category {study.category!r}")
    if not counts.battles and not counts.outputs:
        raise InputError("the study asks for nothing: no instruction has an output, or no two that are to meet")
    if not template.named.isdisjoint(OPTIONAL):
        _check_shown(database, study, template, benchmark_id)
    if template.is_text_only:
        _check_texts(database, study, resolved, benchmark_id, models)
    orders = 2 if study.orders == "both" else 1
    planned = study.repeats * (counts.outputs + orders * counts.battles)
    missing = {model: counts.instructions - count for model, count in counts.present.items()}
    absent = {model: count for model, count in missing.items() if count}
    return RunPlan(study, resolved, benchmark_id, models, counts.battles, counts.outputs, planned, absent)


def estimate(database: Database, study: Study, judge: ResolvedJudge | None = None) -> CostEstimate:
    """Count what running the study would ask now; nothing is asked or written. Raises InputError as ``plan`` does."""
    planned = plan(database, study, judge)
    answered = identical = unseen = calls = chars = 0
    hidden: Counter[str] = Counter()
    template = planned.resolved.template
    stream = islice(planned_trials(database, planned), study.budget)
    while chunk := list(islice(stream, _ESTIMATE_BATCH)):
        with database.read() as connection:
            known = store.verdicts.revisions(connection, [trial.key for trial in chunk])
        for trial in chunk:
            if known.get(trial.key, (0, Status.FAILED))[1] is not Status.FAILED:
                answered += 1
            elif isinstance(trial, Trial) and (verdict := identical_verdict(trial, template)) is not None:
                identical += verdict.status is Status.TIE
                unseen += verdict.status is Status.FAILED
            else:
                calls += 1
                chars += _prompt_chars(render(template, trial, nonce=_NO_NONCE))
                hidden += not_shown(template, trial)
    with database.read() as connection:
        reply_tokens, latency_s = store.verdicts.past_replies(connection, planned.resolved.judge.digest)
    price = price_of(study.judge)
    tokens, replied = chars // 4, None if reply_tokens is None else round(calls * reply_tokens)
    return CostEstimate(
        plan=planned,
        answered=answered,
        identical=identical,
        unseen=unseen,
        calls=calls,
        not_shown=dict(hidden),
        prompt_tokens=tokens,
        reply_tokens=replied,
        seconds=None if latency_s is None else latency_s * calls / min(study.concurrency, max(calls, 1)),
        cost_usd=None if price is None else (price.prompt * tokens + price.completion * (replied or 0)) / 1e6,
    )


def planned_trials(database: Database, plan: RunPlan) -> Iterator[Trial | Reading]:
    """The plan's trials, a page of instructions in memory at a time and no snapshot held between pages."""
    study, digest = plan.study, plan.resolved.judge.digest
    questions = store.benchmarks.answered_instructions(
        database, plan.benchmark_id, plan.models, category=study.category, limit=study.limit
    )
    for question in questions:
        if plan.outputs:
            yield from readings(question.instruction, question.outputs, digest, repeats=study.repeats)
            continue
        pairs = study.pairs or None
        for battle in battles(question.instruction, question.outputs, baseline=study.baseline, pairs=pairs):
            yield from trials(battle, digest, orders=study.orders, repeats=study.repeats, seed=study.seed)


@dataclass(slots=True)
class _Counts:
    instructions: int
    battles: int
    outputs: int
    present: dict[str, int]  # model -> instructions that it has an output for


def _count(study: Study, kind: str, models: Sequence[str], instructions: Iterable[set[str]]) -> _Counts:
    counts, pairs = _Counts(0, 0, 0, dict.fromkeys(models, 0)), {tuple(sorted(pair)) for pair in study.pairs}
    for present in instructions:
        counts.instructions += 1
        for model in present:
            counts.present[model] += 1
        if kind == "pointwise":
            counts.outputs += len(present)
        elif study.baseline is not None:
            counts.battles += len(present) - 1 if study.baseline in present else 0
        elif pairs:
            counts.battles += sum(one in present and other in present for one, other in pairs)
        else:
            counts.battles += len(present) * (len(present) - 1) // 2
    return counts


def _check_shown(database: Database, study: Study, template: Template, benchmark_id: int) -> None:
    """Raises InputError where the template shows what an instruction does not have."""
    instructions = lacking = 0
    names: set[str] = set()
    for question in store.benchmarks.answered_instructions(
        database, benchmark_id, (), category=study.category, limit=study.limit
    ):
        lacks = template.lacks(question.instruction)
        instructions, lacking = instructions + 1, lacking + bool(lacks)
        names.update(lacks)
    if lacking:
        what = " and a ".join(sorted(names))
        raise InputError(
            f"template {template.id} shows a {what}, which {lacking} of {instructions} instructions of "
            f"{study.benchmark!r} do not have: choose a category that has it, or another template"
        )


def _check_texts(
    database: Database, study: Study, judge: ResolvedJudge, benchmark_id: int, models: Sequence[str]
) -> None:
    """Raises InputError where the template takes texts only and a conversation has more."""
    with database.read() as connection:
        if not store.benchmarks.has_conversations(connection, benchmark_id):
            return
    for question in store.benchmarks.answered_instructions(
        database, benchmark_id, models, category=study.category, limit=study.limit
    ):
        for samples in question.samples.values():
            for output in samples:
                check_text(judge.template, Reading(judge.judge.digest, question.instruction, output))


def _models(study: Study, template: Template, present: Sequence[str]) -> tuple[str, ...]:
    """The models that meet, the baseline included.

    Raises InputError unless the study says for a pairwise template, and only there, which outputs meet.
    """
    compares = study.baseline is not None or study.all_pairs or bool(study.pairs) or study.design == "adaptive"
    if template.kind == "pairwise" and not compares:
        raise InputError("say which outputs meet: either a baseline, or all pairs, or a list of pairs")
    if template.kind == "pointwise" and (compares or study.orders != "both"):
        raise InputError(
            f"template {template.id} scores each output by itself, so nothing meets and there is no order: leave out "
            "baseline, pairs and orders, or choose a pairwise template"
        )
    named = [*study.models, *(name for pair in study.pairs for name in pair)]
    named += [*(study.better or ())] if study.baseline is None else [study.baseline]
    for name in named:
        if name not in present:
            raise UnknownName("model", name, present)
    chosen = set(named) if study.models or study.pairs or study.better else set(present)
    return tuple(sorted(chosen))


def _prompt_chars(prompt: Prompt) -> int:
    if isinstance(prompt, ChatPrompt):
        return sum(len(message.content) for message in prompt.messages)
    return len(prompt.outputs) * len(prompt.instruction) + 2 * sum(len(output) for output in prompt.outputs)
