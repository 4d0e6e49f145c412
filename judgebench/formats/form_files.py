"""Files of conversations in the forms of others: one format a form, which is written and, by its name, read.

Beside a conversation stand, under usual names, the model and what is known about the instruction. ``asked`` says how
many of its first messages were asked, whoever said them, where its roles do not tell: 0 where they do.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from judgebench.conversations import Blob, Conversation, held_files, join
from judgebench.formats import Format
from judgebench.formats.exchanges import divided, instruction_of, output_of
from judgebench.formats.forms import Dialogue, Form, canonical, losses, written
from judgebench.formats.forms import registry as forms
from judgebench.formats.outputs import read_outputs
from judgebench.formats.writing import GOALS_COLUMN, IDS_COLUMN
from judgebench.records import Instruction, Output

_WHEN = "1970-01-01T00:00:00+00:00"  # a document was made, so that equal databases give equal files
FORM_FORMATS = tuple(
    Format(name, "outputs", sentence, read=partial(read_outputs, form=name), maps=True, is_form=True)
    for name, sentence in forms.HELP.items()
)
_INSPECT, _PROMPTFOO = "inspect", "promptfoo"
DOCUMENTS = (_INSPECT, _PROMPTFOO)  # forms whose files are one JSON document


def whole_conversation(instruction: Instruction, output: Output) -> Conversation:
    """What was asked, with the output in its places."""
    return join(instruction.conversation, output.placed(instruction))


def with_source(
    output: Output, source: Conversation, instruction: Instruction, blobs: Mapping[str, Blob]
) -> Output:  # fmt: skip
    """The output with its own source of the instruction, if the source's form would say another than that one of what
    stands in ``instruction``; else without."""
    output = _without_source(output, instruction)
    if source.form not in forms.HELP or source == instruction.full:
        return output
    form = forms.named(source.form)
    sourced = replace(output, trajectory=replace(output.placed(instruction), source=source))
    rows = [_row_text(form, instruction, each_output, blobs) for each_output in (output, sourced)]
    return output if rows[0] == rows[1] else sourced


def _without_source(output: Output, instruction: Instruction) -> Output:
    if output.trajectory is None or output.trajectory.source is None:
        return output
    bare = output_of(instruction, replace(output.trajectory, source=None))
    return replace(bare, model=output.model, sample=output.sample)


def _row_text(form: Form, instruction: Instruction, output: Output, blobs: Mapping[str, Blob]) -> str:
    """The row of a form, or why there is none."""
    conversation = whole_conversation(instruction, output)
    files = {digest: blobs.get(digest, Blob("", b"")) for digest in held_files(conversation.messages)}
    try:
        return canonical(form.write(conversation, files))
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # also of a file of ours that somebody changed
        return repr(error)


def form_row(
    form: Form, instruction: Instruction, output: Output, blobs: Mapping[str, Blob]
) -> tuple[dict[str, Any], Counter[str]]:
    """The row of an output in a form, and what that cannot say of it, by kind; "division" is what was asked and what
    was done. Raises ValueError for what the form cannot hold at all."""
    conversation = whole_conversation(instruction, output)
    lost = losses(form, conversation, blobs)
    row = written(form, conversation, blobs)
    dialogue = form.read(row, dict(blobs))
    same = _asked(dialogue, instruction.key, output)
    division = same or _asked(dialogue, _left(form, instruction, blobs).key, output)
    lost["division"] += division is None
    lost["other"] += not +lost and (same is None or not same[1])  # the parameters of a tool, say
    asked_count = None if division is None else division[0]
    return row | _beside(form, row, instruction, output, asked_count), +lost


def _left(form: Form, instruction: Instruction, blobs: Mapping[str, Blob]) -> Instruction:
    """The instruction that a form makes of another, all of which it cannot say."""
    return instruction_of(form.read(written(form, instruction.conversation, blobs), dict(blobs)).whole)


def _beside(
    form: Form, row: Mapping[str, Any], instruction: Instruction, output: Output, asked_count: int | None
) -> dict[str, Any]:
    """What stands beside the conversation in a row."""
    about = {
        "category": instruction.category,
        "checklist": list(instruction.checklist) or None,
        GOALS_COLUMN: list(instruction.goals) or None,
        IDS_COLUMN: list(instruction.ids) or None,
        "asked": asked_count,
    }
    about = {name: value for name, value in about.items() if value is not None}
    if form.name == _INSPECT:
        return _inspect_values(row, instruction, output, about)
    if instruction.reference:
        about["reference"] = instruction.reference
    if output.sample:
        about["sample"] = output.sample
    if form.name == _PROMPTFOO:
        return {"provider": {"id": output.model}} | ({"metadata": about} if about else {})
    return {"model": output.model} | about


def _inspect_values(
    row: Mapping[str, Any], instruction: Instruction, output: Output, about: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": row.get("id", instruction.ids[0] if instruction.ids else instruction.key),
        "epoch": output.sample + 1,
        "target": instruction.reference or "",
        "metadata": {**row.get("metadata", {}), **about},
    }


def _asked(dialogue: Dialogue, key: str, output: Output) -> tuple[int | None, bool] | None:
    """How many of a row's first messages were asked, where it does not tell by itself, None where it does; and whether
    that gives the output. None where nothing gives the instruction of the key.

    Where the form lost something of the output, the first that gives the instruction.
    """
    near: tuple[int | None, bool] | None = None
    counts: list[int | None] = [None, *range(len(dialogue.whole.messages) + 1)]
    for count in counts:
        conversation, trajectories = divided(dialogue, count)
        question = instruction_of(conversation)
        if len(trajectories) == 1 and question.key == key:
            if output_of(question, trajectories[0]).digest == output.digest:
                return count, True
            near = near or (count, False)
    return near


def form_document(form: str, rows: Sequence[Mapping[str, Any]], *, benchmark: str, model: str) -> dict[str, Any]:
    """The document of rows of one of DOCUMENTS; ``model`` counts for a log of Inspect, which is of one."""
    if form == _INSPECT:
        from judgebench.formats.forms.inspect_logs import inspect_log

        return inspect_log(rows, task=benchmark, model=model, created=_WHEN)
    results = {"version": 3, "timestamp": _WHEN, "prompts": [], "results": list(rows), "stats": {}}
    return {"evalId": benchmark, "results": results, "config": {"description": benchmark}}
