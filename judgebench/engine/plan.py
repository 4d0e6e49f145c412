"""What a study asks for, before anything is asked: which outputs meet, in which trials, their number and their price.

Pairwise templates compare outputs by the study's design; pointwise ones read every output by itself. Trials are
streamed a page of instructions at a time, so that a million of them never sit in memory, and everything is
deterministic: the same arguments plan the same trials, which is what makes a run resumable. Which trials are already
answered is the store's business.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from judgebench import store
from judgebench.clients.providers import price_of
from judgebench.counts import count as counted
from judgebench.engine.identity import identified
from judgebench.engine.judges import ResolvedJudge, resolve
from judgebench.engine.trial_images import TrialImages
from judgebench.errors import InputError, UnknownName
from judgebench.judging.pictures import image_tokens
from judgebench.judging.templates import BESIDE, OPTIONAL, Template, check_text, render, shown_key, with_shown
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
    samples: Mapping[str, Sequence[Output]],
    *,
    baseline: str | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Iterator[Battle]:
    """The battles of one instruction, sorted by model names within the design.

    ``samples`` maps a model's name to its outputs to this instruction, one or several. With ``baseline`` every other
    model meets it; with ``pairs`` just those meet, each unordered pair once; with neither, all pairs do. Where models
    have several outputs the first meets the first and so on, those of the model that has fewer over and over. A model
    without an output here has no battle here: whoever plans a study counts these.

    Raises InputError when both designs are given, or a pair names one model twice.
    """
    if baseline is not None and pairs is not None:
        raise InputError("give a baseline or a list of pairs, not both")
    models = sorted(samples)
    meetings: Iterable[tuple[str, str]] = combinations(models, 2)
    if baseline is not None:
        meetings = [(model, baseline) for model in models if model != baseline]
    elif pairs is not None:
        meetings = sorted({(min(pair), max(pair)) for pair in pairs})
    for one, other in meetings:
        if one == other:
            raise InputError(f"model {one!r} is paired with itself; name two different models")
        if one in samples and other in samples:
            mine, theirs = samples[one], samples[other]
            for place in range(_sample_battles(len(mine), len(theirs))):
                yield Battle.of(instruction, mine[place % len(mine)], theirs[place % len(theirs)])


def trials(
    battle: Battle, judge_digest: str, *, orders: Orders = "both", repeats: int = 1, seed: int = 0, shown: str = ""
) -> Iterator[Trial]:
    """The trials of one battle, both orders of a repeat next to each other; ``shown`` as of a ``Trial``.

    ``both``: AB, then BA. ``random``: one order a repeat, drawn by ``seed`` and the battle, hence the same for every
    judge and on every machine. ``single``: AB always, that is the model whose name sorts first is shown first; its
    position bias cannot be told from quality, so use it only to save half the calls in a trial of the machine.

    Raises InputError when ``orders`` is none of these or ``repeats`` is below one.
    """
    if orders not in ("both", "random", "single"):
        raise InputError(f"orders is {orders!r}; it must be both, random or single")
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; it must be at least 1")
    taken = (Order.AB,) if orders == "single" else (Order.AB, Order.BA)
    for repeat in range(repeats):
        if orders == "random":
            taken = (_drawn(battle, seed, repeat),)
        for order in taken:
            yield Trial(judge_digest, battle, order, repeat, shown)


def _drawn(battle: Battle, seed: int, repeat: int) -> Order:
    a, b = battle.a, battle.b
    samples = (a.sample, b.sample) if a.sample or b.sample else ()
    drawn = content_key("order", seed, repeat, battle.instruction.key, a.model, b.model, *samples)
    return Order.AB if int(drawn, 16) % 2 == 0 else Order.BA


def readings(
    instruction: Instruction,
    samples: Mapping[str, Sequence[Output]],
    judge_digest: str,
    *,
    repeats: int = 1,
    shown: str = "",
) -> Iterator[Reading]:
    """The pointwise trials of one instruction, sorted by model name; ``samples`` and ``shown`` as above.

    Raises InputError when ``repeats`` is below one.
    """
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; it must be at least 1")
    for model in sorted(samples):
        for output in samples[model]:
            for repeat in range(repeats):
                yield Reading(judge_digest, instruction, output, repeat, shown)


def identical_verdict(trial: Trial, template: Template, held: Container[str] = ()) -> Verdict | None:
    """What is known without asking where both outputs read the same to whoever is asked by the template, or None.
    ``held``: digests of the images that can be shown.

    A tie; but where they differ in images or other parts that the template does not show, nothing can be known, and
    the trial has failed until it can be shown.
    """
    if trial.battle.a.text != trial.battle.b.text or not shows_alike(template, trial, held):
        return None
    if unseen := unseen_difference(trial):
        why = f"not asked: the outputs differ only in what template {template.id} does not show ({', '.join(unseen)})"
        return Verdict(Status.FAILED, Source.NONE, detail=why)
    differ = trial.battle.a.digest != trial.battle.b.digest
    return Verdict(Status.TIE, Source.IDENTICAL, preference=0.5, detail=IDENTICAL_AS_SHOWN if differ else None)


def unasked_verdict(trial: Trial | Reading, template: Template, held: Container[str] = ()) -> Verdict | None:
    """What is known without asking, if anything: as ``identical_verdict``; of one output, that it has no step."""
    if isinstance(trial, Trial):
        return identical_verdict(trial, template, held)
    listing = template.reply.listing
    if listing is None or listing.of not in ("steps", "spans") or trial.output.text.strip():
        return None
    return Verdict(
        Status.FAILED, Source.NONE, detail="not asked: the last reply of the output is empty: it has no step"
    )


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
    """What running a plan would take. Tokens are characters / 4 and pixels / 750, for want of the judge's own
    tokenizer."""

    plan: RunPlan
    answered: int  # trials that have a verdict already
    taken_over: int  # trials that have one on another benchmark, which a run takes over without a call
    identical: int  # trials decided without a call
    unseen: int  # trials that cannot be judged: the outputs differ only in what the template does not show
    calls: int
    not_shown: Mapping[str, int]  # parts that the calls do not show, by kind: "image", "reasoning" ...
    prompt_tokens: int  # those of images among them
    reply_tokens: int | None  # as long as the judge's last replies; None where there are none
    seconds: float | None  # at their latency and the study's concurrency, the server willing; in this process by turns
    cost_usd: float | None  # of the prompts, and of the replies where these are known; None without a price
    images: int = 0  # that the calls show
    image_tokens: int = 0  # about, by their pixels
    without_verdict: int = 0  # of those answered


def plan(database: Database, study: Study, judge: ResolvedJudge | None = None) -> RunPlan:
    """Count what the study asks for; ``judge`` is the study's own where it was resolved before.

    Nothing is written, save that a judge's stored trials get the keys that they would have today, once.

    Raises InputError where it cannot be done as written, and Conflict where the judge is stored under another name, or
    its name is another's.
    """
    resolved = identified(database, judge or resolve(study.judge))
    price_of(resolved.spec)  # what is wrong in itself is told before what is stored is in its way
    with database.read() as connection:
        store.judges.check_judge(connection, resolved.judge)
    _make_keys_current(database, resolved)
    return count(database, study.model_copy(update={"judge": resolved.spec}), resolved)


def count(database: Database, study: Study, resolved: ResolvedJudge) -> RunPlan:
    """As ``plan``, and nothing is written at all."""
    template = resolved.template
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, study.benchmark)
        models = _models(study, template, store.benchmarks.model_names(connection, benchmark_id))
        untold = store.models.untold(connection, benchmark_id, models)
        presence = store.benchmarks.presence(connection, benchmark_id, models, category=study.category)
        first = islice(presence, study.limit)
        mine = (present for key, present in first if study.shard is None or study.shard.holds(key))
        counts = _count(study, template.kind, models, mine)
    if untold:
        raise InputError(
            f"of {counted(untold, 'output')} of {study.benchmark!r} only the model is known, as of votes without "
            "texts: there is nothing for a judge to read; name models whose outputs are known, or another benchmark"
        )
    if study.category is not None and not counts.instructions:
        raise InputError(f"benchmark {study.benchmark!r} has no instruction in category {study.category!r}")
    if not counts.battles and not counts.outputs and study.shard is None:  # a part may be empty
        raise InputError("the study asks for nothing: no instruction has an output, or no two that are to meet")
    if not template.named.isdisjoint(OPTIONAL):
        _check_shown(database, study, template, benchmark_id)
    if "afterwards" in template.named:
        _check_afterwards(database, study, template, benchmark_id, models)
    if template.is_text_only:
        _check_texts(database, study, resolved, benchmark_id, models)
    orders = 2 if study.orders == "both" else 1
    planned = study.repeats * (counts.outputs + orders * counts.battles)
    missing = {model: counts.instructions - count for model, count in counts.present.items()}
    absent = {model: count for model, count in missing.items() if count}
    return RunPlan(study, resolved, benchmark_id, models, counts.battles, counts.outputs, planned, absent)


def estimate(database: Database, study: Study, judge: ResolvedJudge | None = None) -> CostEstimate:
    """Count what running the study would ask now; nothing is asked, and written as by ``plan``. Raises as it does."""
    planned = plan(database, study, judge)
    answered = taken_over = identical = unseen = calls = chars = shown = pixel_tokens = 0
    ended, hidden = Counter[Status](), Counter[str]()
    template = planned.resolved.template
    images = TrialImages(database, template, planned.resolved.judge.settings)
    stream = islice(planned_trials(database, planned), study.budget)
    while chunk := list(islice(stream, _ESTIMATE_BATCH)):
        with database.read() as connection:
            known = store.verdicts.known_trials(connection, planned.benchmark_id, [trial.key for trial in chunk])
        held = images.measured(chunk)
        for trial in chunk:
            if known.ended.get(trial.key, Status.FAILED) not in study.asked_again:
                answered += 1
                ended[known.ended[trial.key]] += 1
            elif trial.key in known.elsewhere:
                taken_over += 1
            elif (verdict := unasked_verdict(trial, template, held)) is not None:
                identical += verdict.status is Status.TIE
                unseen += verdict.status is Status.FAILED
            else:
                calls += 1
                prompt = render(template, trial, nonce=_NO_NONCE, images=held, most_images=images.most)
                chars += _prompt_chars(prompt)
                hidden += not_shown(template, trial)
                if isinstance(prompt, ChatPrompt) and template.shows_images:
                    hidden += Counter(prompt.left_out)
                    shown += len(prompt.images)
                    pixel_tokens += sum(image_tokens(image.width, image.height) for image in prompt.images)
    with database.read() as connection:
        reply_tokens, latency_s = store.verdicts.past_replies(connection, planned.resolved.judge.digest)
    price = price_of(study.judge)
    at_once = min(study.concurrency, max(calls, 1))
    if planned.resolved.provider.is_local:
        at_once = 1 if study.judge.ray is None else min(study.judge.ray.workers or 1, at_once)
    tokens, replied = chars // 4 + pixel_tokens, None if reply_tokens is None else round(calls * reply_tokens)
    return CostEstimate(
        plan=planned,
        answered=answered,
        taken_over=taken_over,
        identical=identical,
        unseen=unseen,
        calls=calls,
        not_shown=dict(hidden),
        prompt_tokens=tokens,
        reply_tokens=replied,
        seconds=None if latency_s is None else latency_s * calls / at_once,
        cost_usd=None if price is None else (price.prompt * tokens + price.completion * (replied or 0)) / 1e6,
        images=shown,
        image_tokens=pixel_tokens,
        without_verdict=answered - ended[Status.OK] - ended[Status.TIE],
    )


def planned_trials(database: Database, plan: RunPlan, shows: Sequence[str] | None = None) -> Iterator[Trial | Reading]:
    """The plan's trials, a page of instructions in memory at a time and no snapshot held between pages.

    ``shows``: what of an instruction beside its conversation is in their keys; None: what the template shows.
    """
    shows = plan.resolved.template.shows if shows is None else shows
    study, digest = plan.study, plan.resolved.judge.digest
    if not BESIDE.isdisjoint(shows):
        yield from (with_shown(trial, shows) for trial in planned_trials(database, plan, ()))
        return
    questions = store.benchmarks.answered_instructions(
        database, plan.benchmark_id, plan.models, category=study.category, limit=study.limit, shard=study.shard
    )
    for question in questions:
        shown = shown_key(question.instruction, shows)
        if plan.resolved.template.kind == "pointwise":
            yield from readings(question.instruction, question.samples, digest, repeats=study.repeats, shown=shown)
            continue
        pairs = study.pairs or None
        for battle in battles(question.instruction, question.samples, baseline=study.baseline, pairs=pairs):
            yield from trials(battle, digest, orders=study.orders, repeats=study.repeats, seed=study.seed, shown=shown)


def _make_keys_current(database: Database, resolved: ResolvedJudge) -> None:
    judge, shows = resolved.judge, resolved.template.shows
    with database.read() as connection:
        current = store.trial_keys.are_current(connection, judge, shows)
    if not current:
        with database.write() as connection:
            store.trial_keys.make_current(connection, judge, shows)


@dataclass(slots=True)
class _Counts:
    instructions: int
    battles: int
    outputs: int
    present: dict[str, int]  # model -> instructions that it has an output for


def _count(study: Study, kind: str, models: Sequence[str], instructions: Iterable[Mapping[str, int]]) -> _Counts:
    """Of how many outputs each model has to each instruction."""
    counts, pairs = _Counts(0, 0, 0, dict.fromkeys(models, 0)), {tuple(sorted(pair)) for pair in study.pairs}
    for present in instructions:
        counts.instructions += 1
        for model in present:
            counts.present[model] += 1
        if kind == "pointwise":
            counts.outputs += sum(present.values())
        elif study.baseline is not None:
            own = present.get(study.baseline, 0)
            met = (number for model, number in present.items() if own and model != study.baseline)
            counts.battles += sum(_sample_battles(own, number) for number in met)
        elif pairs:
            met_pairs = ((one, other) for one, other in pairs if one in present and other in present)
            counts.battles += sum(_sample_battles(present[one], present[other]) for one, other in met_pairs)
        else:  # a model has as many battles as it has outputs with each that has no more
            counts.battles += sum(place * number for place, number in enumerate(sorted(present.values())))
    return counts


def _sample_battles(one: int, other: int) -> int:
    """How often two models meet on an instruction to which they have so many outputs."""
    return max(one, other)


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
            f"template {template.id} shows a {what}, which {lacking} of {counted(instructions, 'instruction')} of "
            f"{study.benchmark!r} do not have: choose a category that has it, or another template"
        )


def _check_afterwards(
    database: Database, study: Study, template: Template, benchmark_id: int, models: Sequence[str]
) -> None:
    """Raises InputError where nobody knows what happened after an output that is to be judged."""
    outputs: Counter[bool] = Counter()
    for question in store.benchmarks.answered_instructions(
        database, benchmark_id, models, category=study.category, limit=study.limit
    ):
        outputs.update(one.afterwards is not None for samples in question.samples.values() for one in samples)
    if outputs[False]:
        raise InputError(
            f"template {template.id} shows what happened afterwards, and of {outputs[False]} of "
            f"{counted(outputs.total(), 'output')} to {study.benchmark!r} nothing is known of that: import it in a "
            "column 'afterwards', name models or a category of which it is known, or take another template"
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
