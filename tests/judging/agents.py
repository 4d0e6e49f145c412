"""An agent's conversation, for tests of what judges read of it."""

from collections.abc import Iterable, Iterator, Sequence

from judgebench.conversations import Call, Conversation, Message, Part, Reasoning, Refusal, Text, Tool, cut
from judgebench.keys import one_json
from judgebench.records import Battle, Instruction, Order, Output, Reading, Trial
from judgebench.spec import load_template

TOOL = Tool("book_leave", "Books days of leave.", '{"type": "object", "properties": {"days": {}}}')
CHECKLIST = ("Is leave booked?", "Is the payslip there?")


def said(*parts: str | Part, role: str = "assistant") -> Message:
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def agent(last: str = "Here it is.", *, thought: str | None = None) -> Conversation:
    """System, two goals of the user, a tool call that fails and its result, and replies in two parts."""
    call = Call("book_leave", '{"days": 3}', "call_1")
    thinking = () if thought is None else (Reasoning(thought),)
    messages = (
        said("You are the HR desk.", role="system"),
        said("Book three days of leave.", role="user"),
        said("Let me try.", call),
        Message("tool", (Text("error 500"),), call="call_1", error=""),
        said("It failed.", "I am sorry."),
        said("And my payslip?", role="user"),
        said(*thinking, last),
    )
    return Conversation(messages, (TOOL,))


def output_of(conversation: Conversation, model: str = "a") -> tuple[Instruction, Output]:
    """As a file of one column is taken apart; the instruction has all that any template shows."""
    full, trajectory = cut(conversation)
    instruction = Instruction(full.turns or ("",), reference="Booked.", checklist=CHECKLIST, full=full)
    texts = trajectory.texts or ("",)
    return instruction, Output(instruction.key, model, texts[-1], (), trajectory, afterwards="All was booked.")


def trial_of(one: Conversation, other: Conversation, order: Order = Order.AB) -> Trial:
    """Of models "a" and "b", which were asked the same."""
    instruction, a = output_of(one, "a")
    return Trial("j", Battle(instruction, a, output_of(other, "b")[1]), order)


def reading_of(conversation: Conversation) -> Reading:
    return Reading("j", *output_of(conversation))


def trial_for(template: str, one: Conversation, other: Conversation) -> Trial | Reading:
    """What a template of either kind is asked about."""
    return trial_of(one, other) if load_template(template).kind == "pairwise" else reading_of(one)


def readable(messages: Iterable[Message]) -> Iterator[str]:
    """Every text of these that a judge reads."""
    for message in messages:
        if message.role == "tool" and message.error:
            yield message.error
        for part in message.parts:
            if isinstance(part, Text | Refusal):
                yield part.text
            elif isinstance(part, Call):
                yield one_json(part.arguments)


def fence_lines(text: str, mark: str) -> Sequence[str]:
    """The lines of ours in a text."""
    return [line for line in text.split("\n") if line.endswith((f" {mark}", f" {mark} >>>"))]
