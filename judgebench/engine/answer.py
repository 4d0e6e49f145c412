"""Collecting a model's outputs: each instruction turn by turn, with the replies before it.

What goes wrong is a status and never an output: a failed instruction is asked again by the next run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from judgebench import store
from judgebench.clients.base import Client
from judgebench.clients.providers import price_of, provider_of
from judgebench.engine.judges import ResolvedModel, open_model
from judgebench.engine.run import reply_or_error
from judgebench.engine.runner import Known, OnProgress, Runner, RunTally, run_async
from judgebench.errors import InputError, JudgeError
from judgebench.records import (
    Answer,
    ChatPrompt,
    Completion,
    Instruction,
    Model,
    Output,
    PromptMessage,
    Status,
    check_name,
)
from judgebench.spec import Generation
from judgebench.store.database import Database
from judgebench.store.models import AnswerWriter, Generator, add_generator

_DETAIL_CHARS = 500
_WITHHELD = ("content_filter", "refusal", "safety", "recitation", "prohibited_content")
_CHARS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model that can be asked."""

    model: str  # the name under which its outputs are stored
    system: str | None
    settings: Mapping[str, Any]
    client: Client

    async def ask(self, instruction: Instruction) -> Answer:
        """Raises JudgeError only where no other instruction would fare better."""
        replies: list[Completion] = []
        for turn in range(len(instruction.turns)):
            reply = await reply_or_error(self.client, self._prompt(instruction, turn, replies), self.settings)
            if isinstance(reply, JudgeError):
                spent = _together(replies) if replies else None
                return Answer(None, Status.FAILED, str(reply)[:_DETAIL_CHARS], spent)
            replies.append(reply)
        *earlier, last = (reply.text for reply in replies)
        output = Output(instruction.key, self.model, last, tuple(earlier))
        return Answer(output, _status(replies), None, _together(replies))

    def _prompt(self, instruction: Instruction, turn: int, replies: Sequence[Completion]) -> ChatPrompt:
        messages = [] if self.system is None else [PromptMessage("system", self.system)]
        for user_turn, reply in zip(instruction.turns[:turn], replies, strict=True):
            messages += [PromptMessage("user", user_turn), PromptMessage("assistant", reply.text)]
        return ChatPrompt((*messages, PromptMessage("user", instruction.turns[turn])))


def _status(replies: Sequence[Completion]) -> Status:
    reasons = {(reply.finish_reason or "").casefold() for reply in replies}
    if reasons & set(_WITHHELD):
        return Status.REFUSED
    return Status.TRUNCATED if "length" in reasons else Status.OK


def _together(replies: Sequence[Completion]) -> Completion:
    """The replies to all turns as one: texts are kept elsewhere, what they cost is added up."""
    last = replies[-1]
    return Completion(
        text="",
        finish_reason=last.finish_reason,
        model=last.model,
        prompt_tokens=_sum([reply.prompt_tokens for reply in replies]),
        completion_tokens=_sum([reply.completion_tokens for reply in replies]),
        cost_usd=_total([reply.cost_usd for reply in replies]),
        latency_s=_total([reply.latency_s for reply in replies]),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """How collecting ended."""

    model: str
    tally: RunTally
    calls: int
    interrupted: bool
    other_models: tuple[str, ...] = ()  # names that the server gave back instead of the one that was asked


@dataclass(frozen=True, slots=True)
class AnswerEstimate:
    """What collecting would take. Tokens are characters / 4, for want of the model's own tokenizer."""

    planned: int  # instructions
    answered: int  # that have an output already
    calls: int  # one a turn
    prompt_tokens: int  # replies to earlier turns not included
    cost_usd: float | None  # of the prompts; None without a price


def estimate_answers(database: Database, generation: Generation) -> AnswerEstimate:
    """Nothing is asked or written. Raises InputError as ``answer`` does."""
    benchmark_id = _planned(database, generation).benchmark_id
    planned = answered = calls = chars = 0
    for question in _questions(database, generation, benchmark_id):
        turns = question.instruction.turns
        planned += 1
        if question.outputs:
            answered += 1
            continue
        calls += len(turns)
        chars += len(turns) * len(generation.system or "")
        chars += sum(len(turn) * (len(turns) - at) for at, turn in enumerate(turns))
    tokens = chars // _CHARS_A_TOKEN
    price = price_of(generation.generator)
    cost = None if price is None else price.prompt * tokens / 1e6
    return AnswerEstimate(planned, answered, calls, tokens, cost)


def answer(
    database: Database, generation: Generation, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> AnswerReport:
    """``answering`` in an event loop of its own."""
    return run_async(answering(database, generation, environment=environment, on_progress=on_progress))


async def answering(
    database: Database, generation: Generation, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> AnswerReport:
    """Ask for every output that is not there yet; interrupts as in ``run``.

    Raises InputError, Conflict where the name belongs to a model that was submitted or asked otherwise, and JudgeError
    when the server cannot be reached or refuses; outputs that came before stay stored.
    """
    check_name("model", generation.model)
    planned, served = _planned(database, generation), generation.generator
    model = ResolvedModel(served, provider_of(served, None))
    opened = open_model(model, environment, concurrency=generation.concurrency)
    try:
        await opened.check()
        sink = _OutputSink(database, _start(database, generation, planned))
        asker = Answerer(generation.model, generation.system, served.settings, opened.client)
        runner = Runner(
            asker.ask,
            sink,
            planned=planned.count,
            pace=generation,
            calls=lambda: opened.questions,
            on_progress=on_progress,
        )
        questions = _questions(database, generation, planned.benchmark_id)
        tally = await runner.run(question.instruction for question in questions)
        others = () if opened.server is None else tuple(sorted(sink.returned - {served.model}))
        return AnswerReport(generation.model, tally, opened.questions, runner.stopped, others)
    finally:
        await opened.close()


@dataclass(frozen=True, slots=True)
class _Planned:
    benchmark_id: int
    count: int


def _planned(database: Database, generation: Generation) -> _Planned:
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, generation.benchmark, (), generation.category)
        count = sum(
            1
            for _ in islice(
                store.benchmarks.presence(connection, benchmark_id, (), category=generation.category), generation.limit
            )
        )
    if not count:
        raise InputError(f"benchmark {generation.benchmark!r} has no instructions: import or submit some first")
    return _Planned(benchmark_id, count)


def _questions(
    database: Database, generation: Generation, benchmark_id: int
) -> Iterator[store.benchmarks.AnsweredInstruction]:
    """Instructions, each with the model's output where there is one."""
    models, category, limit = [generation.model], generation.category, generation.limit
    return store.benchmarks.answered_instructions(database, benchmark_id, models, category=category, limit=limit)


class _OutputSink:
    """The database as the runner sees it."""

    def __init__(self, database: Database, answers: AnswerWriter) -> None:
        self._database = database
        self._answers = answers
        self.returned: set[str] = set()  # names of models that replies bear

    def known(self, trial_keys: Sequence[str]) -> Known:
        with self._database.read() as connection:
            return Known(self._answers.known(connection, trial_keys))

    def add(self, results: Sequence[Answer]) -> None:
        with self._database.write() as connection:
            self._answers.add(connection, results)
        self.returned |= {reply.model for answer in results for reply in answer.replies if reply.model}


def _start(database: Database, generation: Generation, planned: _Planned) -> AnswerWriter:
    served = generation.generator
    with database.write() as connection:
        model_id = store.models.add_model(connection, Model(generation.model))
        generator = Generator(served.model, generation.system, served.settings)
        generator_id = add_generator(connection, model_id, generation.model, generator)
    return AnswerWriter(planned.benchmark_id, model_id, generator_id)
