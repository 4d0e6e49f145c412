"""Small records for tests, with as few words as a test needs to say."""

from judgebench import services, store
from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import (
    Battle,
    Completion,
    HumanLabel,
    Instruction,
    Judge,
    Model,
    Order,
    Output,
    Source,
    Status,
    Trial,
    TrialResult,
    Verdict,
)
from judgebench.store.database import Database
from judgebench.store.verdicts import VerdictWriter

JUDGE = Judge("judge", "gpt", "pairwise/two-way.v1", "0" * 32, {"temperature": 0})


def instruction(number: int = 0, category: str | None = None) -> Instruction:
    return Instruction((f"What is {number}?",), category)


def battle(number: int = 0, a: str = "alpha", b: str = "beta") -> Battle:
    asked = instruction(number)
    return Battle.of(asked, *(Output(asked.key, model, f"{model} says {number}") for model in (a, b)))


def ok(preference: float) -> Verdict:
    status = Status.TIE if preference == 0.5 else Status.OK
    return Verdict(status, Source.LABEL, preference, label="A", parser=PARSER_VERSION)


def failed(detail: str = "no reply") -> Verdict:
    return Verdict(Status.FAILED, Source.NONE, detail=detail, parser=PARSER_VERSION)


def result(trial: Trial, verdict: Verdict, reply: str | None = "A") -> TrialResult:
    completion = None if reply is None else Completion(reply, cost_usd=0.01, latency_s=0.5)
    sides = trial.battle
    return TrialResult(
        trial.key, sides.instruction.key, sides.a.model, sides.b.model, trial.order, trial.repeat, verdict, completion
    )


def trial(number: int = 0, order: Order = Order.AB, a: str = "alpha", b: str = "beta", judge: Judge = JUDGE) -> Trial:
    return Trial(judge.digest, battle(number, a, b), order)


def filled(database: Database, instructions: int = 3, models: tuple[str, ...] = ("alpha", "beta")) -> VerdictWriter:
    """A benchmark "bench" with every model's outputs, and the writer of a run on it."""
    asked = [instruction(number, category=f"c{number % 2}") for number in range(instructions)]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, asked)
        for model in models:
            store.models.add_model(connection, Model(model))
        outputs = [
            Output(each.key, model, f"{model} says {number}") for number, each in enumerate(asked) for model in models
        ]
        store.models.add_outputs(connection, benchmark, outputs)
        judge_id = store.judges.add_judge(connection, JUDGE)
        run = store.runs.start_run(connection, benchmark_id=benchmark, judge_id=judge_id, kind="run", specification={})
        return VerdictWriter(connection, run)


def judged(database: Database) -> None:
    """Two battles in both orders, one that failed, and a label on the first and on the last."""
    verdicts = filled(database)
    with database.write() as connection:
        rows = [result(trial(number, order), ok(0.8)) for number in range(2) for order in Order]
        verdicts.add(connection, [*rows, result(trial(2), failed(), reply=None)])
    for number in (0, 2):
        label = HumanLabel.of("ann", instruction(number).key, first="alpha", second="beta", preference=1.0)
        services.labels.vote(database, "bench", label)
