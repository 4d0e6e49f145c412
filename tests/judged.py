"""Recorded verdicts and labels for tests, with as few words as a test needs to say."""

from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import Completion, HumanLabel, Instruction, Judge, Order, Output, Source, Status, Verdict
from tests.factories import JUDGE

QUESTION = Instruction(("What is 1?",), "maths")


def output(model: str, text: str, asked: Instruction = QUESTION, *, earlier: tuple[str, ...] = ()) -> Output:
    return Output(asked.key, model, text, earlier)


def recorded(
    preference: float | None,
    order: Order | None = Order.AB,
    *,
    reply: str | None = "reply",
    mass: float | None = None,
    judge: Judge = JUDGE,
    sides: tuple[Output, Output | None] | None = None,
    asked: Instruction = QUESTION,
    repeat: int = 0,
) -> RecordedVerdict:
    """About alpha, which says "one", and beta, which says "two", where no sides are given."""
    a, b = sides or (output("alpha", "one", asked), output("beta", "two", asked))
    status = Status.FAILED if preference is None else Status.TIE if preference == 0.5 else Status.OK
    source = Source.NONE if preference is None else Source.LABEL
    verdict = Verdict(status, source, preference, mass=mass, parser="1")
    completion = None if reply is None else Completion(reply, cost_usd=0.25, latency_s=2.0)
    return RecordedVerdict(judge, asked, a, b, order, repeat, verdict, completion)


def label(preference: float, annotator: str = "ann") -> HumanLabel:
    return HumanLabel(annotator, QUESTION.key, "alpha", "beta", preference, False, None, "app", None)
