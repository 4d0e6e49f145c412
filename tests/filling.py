"""The one place that fills databases for tests."""

from collections.abc import Callable, Sequence

from judgebench import services, store
from judgebench.records import HumanLabel, Instruction, Judge, Model, Order, Output
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.factories import JUDGE, failed, instruction, ok, result, trial


def submitted(
    database: Database,
    asked: Sequence[Instruction],
    models: Sequence[str | Model],
    text: Callable[[str, int], str],
    *,
    benchmark: str = "bench",
) -> dict[tuple[str, str], Output]:
    """Every model's output to every instruction, stored: by the instruction's key and the model's name.

    ``text`` is given the model's name and the instruction's place.
    """
    known = [Model(model) if isinstance(model, str) else model for model in models]
    outputs = {
        (each.key, model.name): Output(each.key, model.name, text(model.name, number))
        for number, each in enumerate(asked)
        for model in known
    }
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, benchmark)
        store.benchmarks.add_instructions(connection, benchmark_id, asked)
        for model in known:
            store.models.add_model(connection, model)
        store.models.add_outputs(connection, benchmark_id, list(outputs.values()))
    return outputs


def judging(database: Database, judge: Judge = JUDGE, *, benchmark: str = "bench") -> VerdictWriter:
    """The writer of a new run of the judge."""
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        judge_id = store.judges.add_judge(connection, judge)
        run_id = store.runs.start_run(
            connection, benchmark_id=benchmark_id, judge_id=judge_id, kind="run", specification={}
        )
        return VerdictWriter(connection, run_id)


def filled(database: Database, instructions: int = 3, models: tuple[str, ...] = ("alpha", "beta")) -> VerdictWriter:
    """A benchmark "bench" with every model's outputs, and the writer of a run on it."""
    asked = [instruction(number, category=f"c{number % 2}") for number in range(instructions)]
    submitted(database, asked, models, lambda model, number: f"{model} says {number}")
    return judging(database)


def judged(database: Database) -> None:
    """Two battles in both orders, one that failed, and a label on the first and on the last."""
    verdicts = filled(database)
    with database.write() as connection:
        rows = [result(trial(number, order), ok(0.8)) for number in range(2) for order in Order]
        verdicts.add(connection, [*rows, result(trial(2), failed(), reply=None)])
    for number in (0, 2):
        label = HumanLabel.of("ann", instruction(number).key, first="alpha", second="beta", preference=1.0)
        services.labels.vote(database, "bench", label)


def asked(count: int, **fields: object) -> list[Instruction]:
    return [Instruction((f"What is {number}?",), f"c{number % 2}", **fields) for number in range(count)]


def stored(database: Database, instructions: Sequence[Instruction], models: Sequence[str]) -> None:
    """The benchmark "bench"; the output of the model named "m7" says that its quality is 7."""
    submitted(
        database,
        instructions,
        models,
        lambda model, number: f"{model} on {instructions[number].text[:20]}: quality {model[1:]}",
    )
