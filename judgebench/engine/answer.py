"""Collecting a model's outputs: each instruction turn by turn, with the replies before it, as the chat that it is.

What goes wrong is a status and never an output: a failed instruction is asked again by the next run.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from judgebench import store
from judgebench.audits.findings import AuditReport
from judgebench.clients.base import Client
from judgebench.clients.providers import price_of, provider_of
from judgebench.clients.replies import EmptyReply
from judgebench.conversations import REPLYING, Message, Reasoning, Segment, Text, Trajectory, cut, join
from judgebench.engine.claims import OutputClaims
from judgebench.engine.identity import check_model_address
from judgebench.engine.judges import ResolvedModel, open_model
from judgebench.engine.pending import EndedTrials
from judgebench.engine.run import Reasons, reply_or_error
from judgebench.engine.runner import OnProgress, Runner, RunTally, run_async
from judgebench.engine.unstored import Unstored
from judgebench.errors import InputError, JudgeError
from judgebench.judging.parsing import WITHHELD
from judgebench.judging.parsing.thinking import thinking_apart
from judgebench.judging.showing import beyond_text
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
from judgebench.store.database import Connection, Database
from judgebench.store.models import AnswerWriter, Generator, add_generator, add_generator_addresses

_DETAIL_CHARS = 500
_CHARS_A_TOKEN = 4
_SYSTEM = ("system", "developer")


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model that can be asked."""

    model: str  # the name under which its outputs are stored
    system: str | None
    settings: Mapping[str, Any]
    client: Client

    async def ask(self, instruction: Instruction) -> Answer:
        """Raises JudgeError only where no other instruction would fare better."""
        if why := unaskable(instruction):
            return Answer(None, Status.FAILED, why, None, asked=False)
        places = reply_places(instruction.conversation.messages)
        replies: list[Completion] = []
        for place in places:
            chat = _chat(self.system, instruction, place, dict(zip(places, replies, strict=False)))
            alike = instruction.key if len(places) > 1 else None  # its next turn begins with this one
            reply = await reply_or_error(self.client, replace(chat, alike=alike), self.settings)
            if isinstance(reply, JudgeError):
                paid = [*replies, *([reply.completion] if isinstance(reply, EmptyReply) else [])]
                spent = _together(paid) if paid else None
                return Answer(None, Status.FAILED, str(reply)[:_DETAIL_CHARS], spent)
            replies.append(_apart(reply))
        output = _output(instruction, self.model, dict(zip(places, replies, strict=True)))
        return Answer(output, _status(replies), None, _together(replies))


def _apart(reply: Completion) -> Completion:
    """The reply with what was thought, where it is written in the text, beside it."""
    text, thought = thinking_apart(reply.text, is_apart=bool(reply.reasoning))
    return replace(reply, text=text, reasoning=thought or reply.reasoning) if text != reply.text else reply


def unaskable(instruction: Instruction) -> str | None:
    """Why a chat of texts cannot ask it, or None."""
    conversation = instruction.conversation
    if more := beyond_text(conversation.messages, conversation.tools):
        return f"it has more than texts ({', '.join(more)})"
    if not reply_places(conversation.messages):
        return "it ends with a reply that was given"
    return None


def reply_places(messages: Sequence[Message]) -> list[int]:
    """How many messages stand before each reply that the model is to give: one after each turn of the user's, as far as
    another follows, and one at the end; none before the last reply that was given."""
    turns = [at for at, message in enumerate(messages, 1) if message.role == "user"]
    places = [*turns[:-1], len(messages)] if turns else [len(messages)]
    return [place for place in places if place > _given(messages)]


def _given(messages: Sequence[Message]) -> int:
    """How many messages there are up to the last reply that was given."""
    return max((at for at, message in enumerate(messages, 1) if message.role in REPLYING), default=0)


def _chat(
    system: str | None, instruction: Instruction, place: int, replies: Mapping[int, Completion] | None = None
) -> ChatPrompt:
    """What stands before ``place``, with the replies in their places; behind ``system``, unless the instruction has a
    system message of its own."""
    messages, replies = instruction.conversation.messages, replies or {}
    own = any(message.role in _SYSTEM for message in messages)
    chat = [] if system is None or own else [PromptMessage("system", system)]
    for at, message in enumerate(messages[:place]):
        if at in replies:
            chat.append(PromptMessage("assistant", replies[at].text))
        chat.append(PromptMessage("system" if message.role in _SYSTEM else message.role, message.text))
    return ChatPrompt(tuple(chat))


def _output(instruction: Instruction, model: str, replies: Mapping[int, Completion]) -> Output:
    """What the model replied, with what it thought where its server tells that."""
    segments = tuple(Segment(place, (_message(reply),)) for place, reply in replies.items())
    conversation = instruction.conversation
    _, trajectory = cut(join(conversation, Trajectory(segments)), prompt=_given(conversation.messages))
    *earlier, last = (reply.text for reply in replies.values())
    if trajectory.plain:
        return Output(instruction.key, model, last, tuple(earlier))
    return Output(instruction.key, model, last, (), trajectory)


def _message(reply: Completion) -> Message:
    thought = (Reasoning(reply.reasoning),) if reply.reasoning else ()
    return Message("assistant", (*thought, Text(reply.text)))


def _status(replies: Sequence[Completion]) -> Status:
    reasons = {(reply.finish_reason or "").casefold() for reply in replies}
    if reasons & set(WITHHELD):
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
    not_asked: Mapping[str, int] = field(default_factory=dict)  # why instructions were not asked -> how many
    reasons: tuple[tuple[str, int], ...] = ()  # why those asked have no output, and how many of this run, most first
    left_out: tuple[str, ...] = ()  # settings that the server did not take
    changed: tuple[str, ...] = ()  # what else it was found to need otherwise, in words
    audit: AuditReport | None = None  # of the model as it is stored; None: it was not audited


@dataclass(frozen=True, slots=True)
class AnswerEstimate:
    """What collecting would take. Tokens are characters / 4, for want of the model's own tokenizer."""

    planned: int  # instructions
    answered: int  # that have an output already
    not_asked: Mapping[str, int]  # why instructions would not be asked -> how many
    calls: int  # one a turn
    prompt_tokens: int  # replies to earlier turns not included
    cost_usd: float | None  # of the prompts; None without a price


def estimate_answers(database: Database, generation: Generation) -> AnswerEstimate:
    """Nothing is asked or written. Raises InputError as ``answer`` does."""
    benchmark_id = _planned(database, generation).benchmark_id
    planned = answered = calls = chars = 0
    not_asked: Counter[str] = Counter()
    for question in _questions(database, generation, benchmark_id):
        planned += 1
        if question.outputs:
            answered += 1
        elif why := unaskable(question.instruction):
            not_asked[why] += 1
        else:
            places = reply_places(question.instruction.conversation.messages)
            prompts = [_chat(generation.system, question.instruction, place) for place in places]
            calls += len(prompts)
            chars += sum(len(message.content) for prompt in prompts for message in prompt.messages)
    tokens = chars // _CHARS_A_TOKEN
    price = price_of(generation.generator)
    cost = None if price is None else price.prompt * tokens / 1e6
    return AnswerEstimate(planned, answered, dict(not_asked), calls, tokens, cost)


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
    planned, served = _planned(database, generation), generation.generator
    model = ResolvedModel(served, provider_of(served, None))
    opened = open_model(model, environment, concurrency=generation.concurrency, max_calls=generation.max_calls)
    try:
        await opened.check()
        sink = _OutputSink(database, _start(database, generation), generation)
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
        claims = OutputClaims(database, generation.benchmark, generation.model)
        tally = await runner.run((question.instruction for question in questions), claims)
        server = opened.server
        return AnswerReport(
            model=generation.model,
            tally=tally,
            calls=opened.questions,
            interrupted=runner.stopped,
            other_models=() if server is None else tuple(sorted(sink.returned - opened.names)),
            not_asked=dict(sink.not_asked),
            reasons=tuple(sink.reasons.most_common()),
            left_out=() if server is None else server.left_out(served.settings),
            changed=() if server is None else server.changed(served.settings),
        )
    finally:
        await opened.close()


@dataclass(frozen=True, slots=True)
class _Planned:
    benchmark_id: int
    count: int


def _planned(database: Database, generation: Generation) -> _Planned:
    check_name("model", generation.model)
    check_model_address(database, generation)
    generation.generator.check_size()
    with database.read() as connection:
        benchmark_id = store.benchmarks.chosen_benchmark(connection, generation.benchmark, (), generation.category)
        present = store.benchmarks.presence(connection, benchmark_id, (), category=generation.category)
        keys = [key for key, _ in islice(present, generation.limit)]
    if not keys:
        raise InputError(f"benchmark {generation.benchmark!r} has no instructions: import or submit some first")
    count = sum(generation.shard is None or generation.shard.holds(key) for key in keys)
    return _Planned(benchmark_id, count)


def _questions(
    database: Database, generation: Generation, benchmark_id: int
) -> Iterator[store.benchmarks.AnsweredInstruction]:
    """Instructions, each with the model's output where there is one."""
    return store.benchmarks.answered_instructions(
        database,
        benchmark_id,
        [generation.model],
        category=generation.category,
        limit=generation.limit,
        shard=generation.shard,
    )


class _OutputSink:
    """The database as the runner sees it."""

    def __init__(self, database: Database, answers: AnswerWriter, generation: Generation) -> None:
        self._database = database
        self._answers = answers
        self._addresses: Sequence[str] = generation.generator.urls  # not remembered yet
        self._unstored = Unstored(database, (generation.benchmark, generation.model), Answer)
        self.returned: set[str] = set()  # names of models that replies bear
        self.not_asked: Counter[str] = Counter()  # why
        self.reasons = Reasons()
        self._unstored.store(self._add_unknown)

    def known(self, trial_keys: Sequence[str]) -> EndedTrials:
        with self._database.read() as connection:
            return EndedTrials(self._answers.known(connection, trial_keys))

    def keep(self, results: Sequence[Answer]) -> str:
        return self._unstored.keep(results)

    def _add_unknown(self, answers: Sequence[Answer]) -> None:
        """What an earlier run could not commit, less what it has committed after all."""
        by_key = {answer.output.instruction: answer for answer in answers if answer.output is not None}
        known = self.known(list(by_key)).ended
        self.add([answer for key, answer in by_key.items() if key not in known])

    def add(self, results: Sequence[Answer]) -> None:
        with self._database.write() as connection:
            self._answers.add(connection, results)
            if any(answer.output is not None for answer in results):
                add_generator_addresses(connection, self._answers.generator_id, self._addresses)
                self._addresses = ()
        self.not_asked.update(answer.detail or "" for answer in results if not answer.asked)
        self.reasons.add(answer.detail for answer in results if answer.asked and answer.status is Status.FAILED)
        self.returned |= {reply.model for answer in results for reply in answer.replies if reply.model}


def _start(database: Database, generation: Generation) -> AnswerWriter:
    with database.write() as connection:
        return start_answers(connection, generation)


def start_answers(connection: Connection, generation: Generation) -> AnswerWriter:
    """Raises Conflict where the name belongs to a model that was submitted or asked otherwise."""
    served = generation.generator
    model_id = store.models.add_model(connection, Model(generation.model))
    generator = Generator(served.model, generation.system, served.settings)
    generator_id = add_generator(connection, model_id, generation.model, generator)
    benchmark_id = store.benchmarks.benchmark_id(connection, generation.benchmark)  # it may be gone since
    about = {"benchmark": generation.benchmark}
    store.events.record(connection, store.events.STARTED, "answers", generation.model, about)
    return AnswerWriter(connection, benchmark_id, model_id, generator_id)
