"""Recorded judgments as their judge gave them: of two outputs in the order shown, or of one.

What the benchmark does not hold yet is said here once, and so is how a file says the same twice: judges' tools append a
row when they are run again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from judgebench.formats.known import Known
from judgebench.formats.reading import FileRow
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import Battle, Completion, Instruction, Judge, Order, Output, Source, Status, Verdict

_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes verdicts of what a file records."""

    judge: Judge
    parser: str

    def game(
        self,
        row: FileRow,
        instruction: Instruction,
        shown: tuple[Output, Output],
        preference: float | None,
        *,
        label: str | None = None,
        why: str | None = None,
        completion: Completion | None = None,
    ) -> RecordedVerdict:
        """Of two outputs in the order shown; ``preference``: for the first; ``why``: there is none."""
        first, second = shown
        battle = Battle.of(instruction, first, second)
        order = Order.AB if battle.a is first else Order.BA
        if preference is None:
            verdict = self._none(label, why)
        else:
            status = Status.TIE if preference == 0.5 else Status.OK
            about_a = preference if order is Order.AB else 1 - preference
            verdict = Verdict(status, Source.RECORDED, about_a, label=label, parser=self.parser)
        return RecordedVerdict(
            *(self.judge, instruction, battle.a, battle.b, order, 0, verdict, completion), place=f"{row.place}, "
        )

    def score(
        self,
        row: FileRow,
        instruction: Instruction,
        output: Output,
        score: float | None,
        *,
        label: str | None = None,
        why: str | None = None,
        completion: Completion | None = None,
    ) -> RecordedVerdict:
        """Of one output; ``why``: there is no score."""
        if score is None:
            verdict = self._none(label, why)
        else:
            verdict = Verdict(Status.OK, Source.RECORDED, score=score, label=label, parser=self.parser)
        return RecordedVerdict(
            *(self.judge, instruction, output, None, None, 0, verdict, completion), place=f"{row.place}, "
        )

    def _none(self, label: str | None, why: str | None) -> Verdict:
        return Verdict(Status.UNPARSED, Source.NONE, label=label, detail=why, parser=self.parser)


def numbered(verdicts: Iterable[RecordedVerdict]) -> tuple[tuple[RecordedVerdict, ...], int]:
    """Each once, and how many were left out because they repeat an earlier one; what was judged again and came out
    otherwise is a repeat."""
    rounds: dict[tuple[str, str, str, str | None, Order | None], list[RecordedVerdict]] = {}
    kept, duplicates = [], 0
    for verdict in verdicts:
        b = None if verdict.b is None else verdict.b.model
        place = (verdict.judge.digest, verdict.instruction.key, verdict.a.model, b, verdict.order)
        earlier = rounds.setdefault(place, [])
        if verdict in earlier:
            duplicates += 1
            continue
        kept.append(replace(verdict, repeat=len(earlier)))
        earlier.append(verdict)
    return tuple(kept), duplicates


def after_turns(instruction: Instruction, turns: int) -> Instruction:
    """What was asked up to a turn, from 1: an instruction of its own, to which ids of the whole do not belong."""
    if turns >= len(instruction.turns):
        return instruction
    ids = tuple(f"{id}, turn {turns}" for id in instruction.ids)
    return Instruction(instruction.turns[:turns], instruction.category, ids=ids)


def answer(known: Known, row: FileRow, column: str, whole: Instruction, model: str, part: Instruction) -> Output:
    """The model's output to ``part``, which is the beginning of the benchmark's instruction ``whole``.

    Raises InputError, naming file, row, field and model, where the benchmark has none.
    """
    outputs = known.outputs(whole.key, model)
    if not outputs:
        of = f"the benchmark has no output of model {model[:_SHOWN_CHARS]!r} to this instruction"
        raise row.error(column, f"{of}: import the answers first")
    output = outputs[0]
    if part.key == whole.key:
        return output
    replies = (*output.earlier, output.text)
    missing = len(whole.turns) - len(replies)
    if output.trajectory is not None or missing:
        raise row.error(
            column, f"the output of model {model[:_SHOWN_CHARS]!r} does not tell its replies to each turn of the user's"
        )
    replies = replies[: len(part.turns)]
    return Output(part.key, model, replies[-1], replies[:-1])


def check_shown(row: FileRow, column: str, prompt: str | None, outputs: Iterable[Output]) -> None:
    """Raises InputError where the judge's prompt does not hold what the benchmark has: it judged something else."""
    if prompt is None:
        return
    bare = " ".join(prompt.split())
    for output in outputs:
        if " ".join(output.text.split()) not in bare:
            model = output.model[:_SHOWN_CHARS]
            raise row.error(
                column,
                f"the judge was shown another text than the benchmark's output of model {model!r}: import these "
                "judgments with the answers that they are about, into a benchmark of their own",
            )


def of_all(verdicts: Iterable[RecordedVerdict]) -> tuple[tuple[Instruction, Output], ...]:
    """The outputs that verdicts are about, each once."""
    sides = ((row.instruction, side) for row in verdicts for side in (row.a, row.b) if side is not None)
    return tuple(
        {(question.key, output.model, output.sample): (question, output) for question, output in sides}.values()
    )


def models_of(verdicts: Iterable[RecordedVerdict]) -> tuple[str, ...]:
    """The models that verdicts are about, by name."""
    return tuple(sorted({side.model for row in verdicts for side in (row.a, row.b) if side is not None}))
