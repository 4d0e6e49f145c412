"""Small records for tests, with as few words as a test needs to say."""

from judgebench.judging.parsing import PARSER_VERSION
from judgebench.records import (
    Battle,
    Completion,
    Instruction,
    Judge,
    Order,
    Output,
    Source,
    Status,
    Trial,
    TrialResult,
    Verdict,
)

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


def result(
    trial: Trial, verdict: Verdict, reply: str | None = "A", *, samples: tuple[int, int] = (0, 0)
) -> TrialResult:
    completion = None if reply is None else Completion(reply, cost_usd=0.01, latency_s=0.5)
    sides = trial.battle
    about = (trial.key, sides.instruction.key, sides.a.model, sides.b.model, trial.order, trial.repeat)
    return TrialResult(*about, verdict, completion, samples=samples)


def trial(number: int = 0, order: Order = Order.AB, a: str = "alpha", b: str = "beta", judge: Judge = JUDGE) -> Trial:
    return Trial(judge.digest, battle(number, a, b), order)
