"""Collecting a model's outputs to a benchmark's instructions. Restarting continues it; nothing is asked twice."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from judgebench.clients.openai_api import OpenAIClient
from judgebench.clients.prices import Price
from judgebench.clients.protocol import Client, Counted
from judgebench.errors import InputError
from judgebench.execution import loop
from judgebench.execution.answering import Answerer
from judgebench.execution.driving import OnProgress, drive, limits_of, silent
from judgebench.execution.judges import open_client
from judgebench.execution.runner import Runner, Tally
from judgebench.records import Model, Status
from judgebench.spec import Generation
from judgebench.store import reader, writer
from judgebench.store.answer_writer import Answer, AnswerWriter, Generator, add_generator
from judgebench.store.database import Database
from judgebench.study.submit import check_name

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
    return loop.run(_answer(database, wanted, planned, (client, server), on_progress or silent))


@dataclass(frozen=True, slots=True)
class _Planned:
    benchmark_id: int
    count: int


def _planned(database: Database, wanted: Generation) -> _Planned:
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, wanted.benchmark, (), wanted.category)
        count = sum(
            1 for _ in islice(reader.presence(connection, benchmark_id, (), category=wanted.category), wanted.limit)
        )
    if not count:
        raise InputError(f"benchmark {wanted.benchmark!r} has no instructions: import or submit some first")
    return _Planned(benchmark_id, count)


def _questions(database: Database, wanted: Generation) -> Iterator[reader.Question]:
    """Instructions with the model's output; a page in memory at a time, and no snapshot held between pages."""
    after, left, chosen = 0, wanted.limit, wanted.category
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, wanted.benchmark)
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        with database.read() as connection:
            page = reader.questions(connection, benchmark_id, [wanted.model], after=after, limit=size, category=chosen)
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
        model_id = writer.add_model(connection, Model(wanted.model))
        generator = Generator(served.model, wanted.system, served.settings)
        generator_id = add_generator(connection, model_id, wanted.model, generator)
    return AnswerWriter(planned.benchmark_id, model_id, generator_id)
