"""WildBench's tasks with their checklists, and models' results on them.

A task is a conversation that ends with the user's turn; results hold it as texts in alternation, the user's first.
Source: allenai/WildBench, its data set and ``unified_utils.py``.
"""

from collections.abc import Sequence
from dataclasses import replace

from judgebench.conversations import Conversation, Message, Text
from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.exchanges import instruction_of
from judgebench.formats.known import id_in
from judgebench.formats.outputs import InstructionRow, InstructionsFile, OutputRow, OutputsFile
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.records import Instruction, Output

_ROLES = ("user", "assistant")


def read_tasks(filename: Filename, *, limits: ReadLimits | None = None) -> InstructionsFile:
    """Raises InputError naming file, row and field."""
    items: dict[str, InstructionRow] = {}
    duplicates = 0
    for row in file_rows(filename, limits=limits):
        turns = row.values.get("conversation_input")
        if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
            raise row.error("conversation_input", "expected a list of messages")
        speeches = [(row.as_text("conversation_input", turn.get("role")), turn.get("content")) for turn in turns]
        task = _task(row, "conversation_input", speeches)
        checklist = row.values.get("checklist") or []
        if not isinstance(checklist, list):
            raise row.error("checklist", "expected a list of questions")
        task = replace(task, checklist=tuple(row.as_text("checklist", question) for question in checklist))
        item = items.setdefault(task.key, InstructionRow(task, row.place))
        if item.place != row.place and item.instruction != task:
            raise row.error(
                "session_id", f"{item.place.unit} {item.place.number} has the same task with another checklist"
            )
        duplicates += item.place != row.place
    return InstructionsFile(str(filename), tuple(items.values()), duplicates, {})


def read_results(filename: Filename, *, limits: ReadLimits | None = None) -> OutputsFile:
    """Several outputs in a row are samples. Raises InputError naming file, row and field."""
    outputs: dict[tuple[str, str, int], OutputRow] = {}
    repeated = []
    for row in file_rows(filename, limits=limits):
        texts, model = row.values.get("chat_history"), row.text("generator")
        if not isinstance(texts, list) or len(texts) % 2 == 0:
            raise row.error("chat_history", "expected the texts of a conversation that ends with the user's")
        speeches = [(_ROLES[number % 2], text) for number, text in enumerate(texts)]
        task = _task(row, "chat_history", speeches)
        replies = row.values.get("output")
        replies = replies if isinstance(replies, list) else [replies]
        if not replies:
            raise row.error("output", "holds no output; an empty output is the empty text")
        for number, reply in enumerate(replies):
            output = Output(task.key, "", row.as_text("output", reply), sample=number)
            new = OutputRow(task, output, row.place, model)
            earlier = outputs.setdefault((task.key, model, number), new)
            if earlier.output != output:
                raise row.error(
                    "output", f"{earlier.place.unit} {earlier.place.number} has another output to this task"
                )
            if earlier is not new:
                repeated.append(new)
    rows = tuple(outputs.values())
    instructions = {row.instruction.key: row.instruction for row in rows}
    return OutputsFile(str(filename), rows, tuple(repeated), {"output": "output"}, instructions)


def _task(row: FileRow, column: str, speeches: Sequence[tuple[str, object]]) -> Instruction:
    """What was asked, with its category and the session's id."""
    if not speeches or speeches[-1][0] != "user":
        raise row.error(column, "expected a conversation that ends with the user's turn")
    messages = tuple(Message(role, (Text(row.as_text(column, text)),)) for role, text in speeches)
    if not any(part.strip() for part in (row.as_text(column, text) for _, text in speeches)):
        raise row.error(column, "is empty")
    id, category = id_in(row, "session_id"), row.values.get("primary_tag")
    return replace(
        instruction_of(Conversation(messages)),
        category=None if category is None else row.as_text("primary_tag", category) or None,
        ids=() if id is None else (id,),
    )


WILDBENCH_TASKS = Format(
    name="wildbench-tasks",
    holds="instructions",
    help="WildBench's tasks: conversations with checklists.",
    recognises=lambda sample: sample.holds("session_id", "conversation_input", "checklist"),
    read=read_tasks,
    benchmark="wildbench",
)
WILDBENCH_RESULTS = Format(
    name="wildbench-results",
    holds="outputs",
    help="A model's outputs to WildBench's tasks.",
    recognises=lambda sample: sample.holds("session_id", "chat_history", "output", "generator"),
    read=read_results,
    benchmark="wildbench",
)
