"""A benchmark of everything at once: plain texts, two turns, an agent with tools, pictures alone, and samples."""

from judgebench import store
from judgebench.conversations import (
    Blob,
    Call,
    Conversation,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    Tool,
    cut,
)
from judgebench.records import Battle, Instruction, Model, Order, Output, Trial
from judgebench.store.database import Database
from tests.factories import JUDGE, ok, result
from tests.filling import judging

BENCHMARK, MODELS, SAMPLES = "mixed", ("alpha", "beta"), 3
PLAIN = Instruction(("What is a cat? Say it in a sentence of some length, please, and with a full stop.",), "plain")
TURNS = Instruction(("Name a colour.", "And another one."), "turns")
PICTURE = Instruction(("Draw a cat.",), "picture")
SAMPLED = Instruction(("Name a number between one and ten.",), "samples")
TOOL = Tool("book_leave", "Books days off.", '{"type": "object"}')


def agent_conversation(days: int = 3, error: str = "error 500") -> Conversation:
    """Two goals, a call that fails, reasoning, and a last sentence that says nothing of the days."""
    return Conversation(
        (
            Message("system", (Text("You book leave. Never ask back."),)),
            Message("user", (Text("Book leave."),)),
            Message(
                "assistant",
                (Reasoning("secret thought"), Text("Let me try."), Call("book_leave", f'{{"days": {days}}}', "call_1")),
            ),
            Message("tool", (Text(error),), "book_leave", "call_1", error="500"),
            Message("assistant", (Text("It failed."),)),
            Message("user", (Text("And my payslip?"),)),
            Message("assistant", (Text("Here it is."),)),
        ),
        (TOOL,),
    )


def agent_instruction() -> Instruction:
    full, _ = cut(agent_conversation())
    return Instruction(full.turns, "agent", full=full)


AGENT = agent_instruction()


def agent_output(model: str, days: int = 3, error: str = "error 500") -> Output:
    _, trajectory = cut(agent_conversation(days, error))
    return Output(AGENT.key, model, "Here it is.", trajectory=trajectory)


def picture(model: str, data: bytes) -> Output:
    drawn = Message("assistant", (Media("image", Blob("image/png", data).digest, "image/png", name="cat.png"),))
    _, trajectory = cut(Conversation((*PICTURE.conversation.messages, drawn)))
    return Output(PICTURE.key, model, "", trajectory=trajectory)


def outputs() -> list[Output]:
    """Two of everything that are never the same, but for what reads alike of the agent and the pictures."""
    rows = [agent_output("alpha", 3), agent_output("beta", 4), picture("alpha", b"one"), picture("beta", b"two")]
    for model in MODELS:
        rows.append(Output(PLAIN.key, model, f"A cat is an animal with four legs, as {model} likes to say of cats."))
        rows.append(Output(TURNS.key, model, "Blue, then.", (f"{model} says red.",)))
        rows += [Output(SAMPLED.key, model, f"Number {place}, says {model}.", sample=place) for place in range(SAMPLES)]
    return rows


def filled(database: Database) -> None:
    """All of it judged, each sample against the one of the same number, in both orders."""
    instructions = [PLAIN, TURNS, AGENT, PICTURE, SAMPLED]
    stored = {(output.instruction, output.model, output.sample): output for output in outputs()}
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, BENCHMARK)
        store.benchmarks.add_instructions(connection, benchmark_id, instructions)
        for model in MODELS:
            store.models.add_model(connection, Model(model))
        store.models.add_outputs(connection, benchmark_id, list(stored.values()))
    verdicts = judging(database, benchmark=BENCHMARK)
    rows = []
    for asked in instructions:
        for sample in range(SAMPLES if asked is SAMPLED else 1):
            battle = Battle.of(asked, *(stored[asked.key, model, sample] for model in MODELS))
            rows += [
                result(Trial(JUDGE.digest, battle, order), ok(0.8 if sample else 0.3), samples=(sample, sample))
                for order in Order
            ]
    with database.write() as connection:
        verdicts.add(connection, rows)


def hostile_messages(
    *, text: str, tool: str, arguments: str, result: str, role: str, name: str, error: str, kind: str
) -> tuple[Message, ...]:
    """A model's messages with a text of others at every place that has one."""
    return (
        Message(
            "assistant", (Reasoning(text), Text(text), Refusal(text), Call(tool, arguments, "c"), Opaque(kind, text))
        ),
        Message("tool", (Text(result), Media(kind, url=text, name=name, media_type=text)), name, "c", error=error),
        Message(role, (Text(text),), name),
    )
