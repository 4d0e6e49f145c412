"""Benchmarks whose names say whose they are, for tests of tokens that are for some."""

from typing import Any

from judgebench import engine, services, store
from judgebench.records import Battle, HumanLabel, Judge, Lineage, Model, Order, Trial
from judgebench.services.judges import add_judge
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter
from tests.factories import instruction, ok, result
from tests.filling import submitted


def fill(database: Database, name: str, start: int) -> None:
    """A benchmark with two models, a judge that is reached at an address, a voter, verdicts, a job and an audit."""
    models = [Model(f"{name}-model-{one}", Lineage(f"{name}-family")) for one in "ab"]
    asked = [instruction(number, category=f"{name}-category") for number in range(start, start + 3)]
    outputs = submitted(
        database, asked, models, lambda _, number: f"A text of everybody, {number}", benchmark=f"{name}-bench"
    )
    url = f"https://{name}.example.org/v1"
    judge = add_judge(database, JudgeSpec(model=f"{name}-llm", url=url, name=f"{name}-judge"))
    asking = {"judge": {"model": f"{name}-llm", "url": url, "name": judge.name}}
    with database.write() as connection:
        run = store.runs.start_run(
            connection,
            benchmark_id=store.benchmarks.benchmark_id(connection, f"{name}-bench"),
            judge_id=store.judges.add_judge(connection, judge),
            kind="run",
            specification=asking,
        )
        writer = VerdictWriter(connection, run)
        rows = [
            result(trial_of(judge, outputs, one.key, order), ok(0.8), f"{name}-reply")
            for one in asked
            for order in Order
        ]
        writer.add(connection, rows)
    for template in ("goals", "steps"):
        lister = JudgeSpec(
            **{"model": f"scripted:{'goals' if template == 'goals' else 'all-good'}", "name": f"{name}-{template}"},
            **{"template": f"pointwise/{template}", "settings": {"max_tokens": 1000 + start}},
        )
        engine.run.run(database, Study(benchmark=f"{name}-bench", judge=lister), environment={})
    names = [model.name for model in models]
    label = HumanLabel.of(f"{name}-voter", asked[0].key, first=names[0], second=names[1], preference=1.0)
    services.labels.vote(database, f"{name}-bench", label)


def trial_of(judge: Judge, outputs: Any, key: str, order: Order) -> Trial:
    sides = [output for (instruction_key, _), output in outputs.items() if instruction_key == key]
    asked = next(one for one in map(instruction, range(100)) if one.key == key)
    return Trial(judge.digest, Battle.of(asked, *sides), order)
