"""Judgments as something to judge: a benchmark whose instructions are cases and whose outputs are what judges wrote.

A meta-judge then compares judges as any judge compares models: ``run --template pairwise/meta`` on that benchmark. A
case is one battle in one order, as the judges saw it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from judgebench.errors import InputError
from judgebench.records import Instruction, Model, Order, Output
from judgebench.store import battle_reader, reader, writer
from judgebench.store import tables as t
from judgebench.store.database import Database
from judgebench.study.submit import check_name


@dataclass(frozen=True, slots=True)
class JudgmentsReport:
    """What was stored."""

    benchmark: str
    judges: tuple[str, ...]
    cases: int  # battles, in an order, on which every judge wrote something
    new: int  # judgments stored now
    known: int


def import_judgments(database: Database, benchmark: str, judges: Sequence[str], *, into: str) -> JudgmentsReport:
    """Store what the judges replied about the battles of ``benchmark`` as the outputs of the benchmark ``into``.

    Raises UnknownName, InputError with fewer than two judges or without a case that all of them judged, and Conflict.
    """
    check_name("benchmark", into)
    if len(set(judges)) < 2:
        raise InputError("judgments are compared: name two judges or more, --judge J --judge K")
    cases: dict[str, Instruction] = {}
    replies: dict[str, dict[str, Output]] = {}
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, judges, None)
        wanted = [t.instructions.c.benchmark_id == benchmark_id, t.judges.c.name.in_(judges)]
        for row in battle_reader.battle_rows(connection, wanted):
            a, b = battle_reader.sides(row)
            if b is None or row.order is None or row.completion_id is None or row.repeat:
                continue
            shown = (a, b) if Order(row.order) is Order.AB else (b, a)
            case = _case(reader.instruction(row), shown)
            cases[case.key] = case
            replies.setdefault(case.key, {})[row.judge] = Output(case.key, row.judge, row.reply)
    complete = [key for key in cases if len(replies[key]) == len(set(judges))]
    if not complete:
        raise InputError("no battle was judged by all of them in the same order: name judges that read the same ones")
    with database.write() as connection:
        target = writer.add_benchmark(connection, into)
        writer.add_instructions(connection, target, [cases[key] for key in complete])
        for judge in sorted(set(judges)):
            writer.add_model(connection, Model(judge))
        stored = writer.add_outputs(connection, target, [each for key in complete for each in replies[key].values()])
    return JudgmentsReport(into, tuple(sorted(set(judges))), len(complete), stored.new, stored.known)


def _case(instruction: Instruction, shown: tuple[Output, Output]) -> Instruction:
    first, second = shown
    text = f"Instruction:\n{instruction.text}\n\nOutput A:\n{first.whole}\n\nOutput B:\n{second.whole}"
    return Instruction((text,), instruction.category)
