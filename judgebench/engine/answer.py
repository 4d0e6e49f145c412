"""One instruction to one model under evaluation: its turns in their order, each with the replies before it.

What goes wrong is a status and never an output: a failed instruction is asked again by the next run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from judgebench import store
from judgebench.clients.base import Client, Counted, Price
from judgebench.clients.openai import OpenAIClient
from judgebench.engine.ask import reply_or_error
from judgebench.engine.judges import open_client
from judgebench.engine.runner import OnProgress, Runner, Tally, drive, limits_of, run_async, silent
from judgebench.errors import InputError, JudgeError
from judgebench.records import Answer, ChatPrompt, Completion, Instruction, Message, Model, Output, Status, check_name
from judgebench.spec import Generation
from judgebench.store.database import Database
from judgebench.store.models import AnswerWriter, Generator, add_generator

_DETAIL_CHARS = 500


_WITHHELD = ("content_filter", "refusal", "safety", "recitation", "prohibited_content")


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
        messages = [] if self.system is None else [Message("system", self.system)]
        for asked, reply in zip(instruction.turns[:turn], replies, strict=True):
            messages += [Message("user", asked), Message("assistant", reply.text)]
        return ChatPrompt((*messages, Message("user", instruction.turns[turn])))


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


_PAGE = 50  # instructions read at a time


_CHARS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """How collecting ended."""

    model: str
    tally: Tally
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


def estimate_answers(database: Database, wanted: Generation) -> AnswerEstimate:
    """Nothing is asked or written. Raises InputError as ``answer`` does."""
    _planned(database, wanted)
    planned = answered = calls = chars = 0
    for question in _questions(database, wanted):
        turns = question.instruction.turns
        planned += 1
        if question.outputs:
            answered += 1
            continue
        calls += len(turns)
        chars += len(turns) * len(wanted.system or "")
        chars += sum(len(turn) * (len(turns) - at) for at, turn in enumerate(turns))
    tokens = chars // _CHARS_A_TOKEN
    price = None if wanted.generator.price is None else Price.parse(wanted.generator.price)
    cost = None if price is None else price.prompt * tokens / 1e6
    return AnswerEstimate(planned, answered, calls, tokens, cost)


def answer(
    database: Database, wanted: Generation, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> AnswerReport:
    """Ask for every output that is not there yet; interrupts as in ``run``.

    Raises InputError, Conflict where the name belongs to a model that was submitted or asked otherwise, and JudgeError
    when the server cannot be reached or refuses; outputs that came before stay stored.
    """
    check_name("model", wanted.model)
    planned = _planned(database, wanted)
    client, server = open_client(wanted.generator, environment, concurrency=wanted.concurrency)
    return run_async(_answer(database, wanted, planned, (client, server), on_progress or silent))


@dataclass(frozen=True, slots=True)
class _Planned:
    benchmark_id: int
    count: int


def _planned(database: Database, wanted: Generation) -> _Planned:
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, wanted.benchmark, (), wanted.category)
        count = sum(
            1
            for _ in islice(
                store.benchmarks.presence(connection, benchmark_id, (), category=wanted.category), wanted.limit
            )
        )
    if not count:
        raise InputError(f"benchmark {wanted.benchmark!r} has no instructions: import or submit some first")
    return _Planned(benchmark_id, count)


def _questions(database: Database, wanted: Generation) -> Iterator[store.benchmarks.AnsweredInstruction]:
    """Instructions with the model's output; a page in memory at a time, and no snapshot held between pages."""
    after, left, chosen = 0, wanted.limit, wanted.category
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, wanted.benchmark)
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        with database.read() as connection:
            page = store.benchmarks.questions(
                connection, benchmark_id, [wanted.model], after=after, limit=size, category=chosen
            )
        if not page:
            return
        yield from page
        after, left = page[-1].id, None if left is None else left - len(page)


class _OutputSink:
    """The database as the runner sees it."""

    def __init__(self, database: Database, answers: AnswerWriter) -> None:
        self._database = database
        self._answers = answers
        self.returned: set[str] = set()  # names of models that replies bear

    def known(self, trial_keys: Sequence[str]) -> Mapping[str, Status]:
        with self._database.read() as connection:
            return self._answers.known(connection, trial_keys)

    def add(self, results: Sequence[Answer]) -> None:
        with self._database.write() as connection:
            self._answers.add(connection, results)
        self.returned |= {reply.model for each in results for reply in each.replies if reply.model}


async def _answer(
    database: Database,
    wanted: Generation,
    planned: _Planned,
    reached: tuple[Client, OpenAIClient | None],
    on_progress: OnProgress,
) -> AnswerReport:
    client, server = reached
    try:
        if server is not None:
            await server.models()
        free = server.calls if server is not None else 0
        sink = _OutputSink(database, _start(database, wanted, planned))
        asker = Answerer(wanted.model, wanted.system, wanted.generator.settings, client)
        runner = Runner(asker.ask, sink, planned=planned.count, limits=limits_of(wanted))

        def calls() -> int:
            return client.calls - free if isinstance(client, Counted) else 0

        asked = (question.instruction for question in _questions(database, wanted))
        await drive(runner, asked, calls, on_progress)
        others = () if server is None else tuple(sorted(sink.returned - {wanted.generator.model}))
        return AnswerReport(wanted.model, runner.tally, calls(), runner.stopped, others)
    finally:
        await client.close()


def _start(database: Database, wanted: Generation, planned: _Planned) -> AnswerWriter:
    served = wanted.generator
    with database.write() as connection:
        model_id = store.models.add_model(connection, Model(wanted.model))
        generator = Generator(served.model, wanted.system, served.settings)
        generator_id = add_generator(connection, model_id, wanted.model, generator)
    return AnswerWriter(planned.benchmark_id, model_id, generator_id)
