"""A database in which every text tries something."""

from pathlib import Path

from judgebench import store
from judgebench.conversations import Conversation, Media, Message, Opaque, Part, Segment, Text, Tool, Trajectory
from judgebench.records import (
    Battle,
    Completion,
    Instruction,
    Judge,
    Order,
    Output,
    Source,
    Status,
    TokenLogprob,
    Trial,
    TrialResult,
    Verdict,
)
from judgebench.store.audits import Subject, add_audit
from judgebench.store.database import Database
from tests.filling import judging, submitted
from tests.mixed import hostile_messages

CATCHER = "http://attacker.invalid"
ATTACK = (
    f"<script>window.owned=1;fetch('{CATCHER}/s')</script><img src=x onerror=\"window.owned=1;alert(1)\">"
    f"<svg onload=alert(2)></svg>[click](javascript:alert(3)) ![see]({CATCHER}/i.png) <iframe src={CATCHER}>"
    " $\\href{javascript:alert(4)}{x}$ :material/bug: :red[red] `code` \u202ertl\u202c \u05d0\u05d1\u05d2 \x1b[31m"
)
MODELS = (
    '=HYPERLINK("http://attacker.invalid")',
    "<img src=x onerror=alert(5)>",
    "![m](http://attacker.invalid/m.png)",
    "$x^2$ :red[m] [a](javascript:alert(6))",
)
BENCHMARK = "<b onmouseover=alert(7)>bench</b> ![b](http://attacker.invalid/b.png)"


def build(path: Path) -> None:
    judge = Judge("![j](http://attacker.invalid/j.png)<script>alert(8)</script>", ATTACK[:100], "t", "0" * 32)
    asked = [Instruction((f"{number} {ATTACK}",), category=f"{ATTACK} {number}", reference=ATTACK) for number in (0, 1)]
    database = Database(str(path), create=True)

    def text(model: str, _: int) -> str:
        return ATTACK + "\n" + "# big $y$ <b>x</b> " * (1 if model == MODELS[0] else 55_000)

    outputs = submitted(database, asked, MODELS, text, benchmark=BENCHMARK)
    asked.append(_conversation())
    outputs |= {(output.instruction, output.model): output for output in _trajectories(asked[-1])}
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, BENCHMARK)
        store.benchmarks.add_instructions(connection, benchmark_id, asked[-1:])
        new = [output for (key, _), output in outputs.items() if key == asked[-1].key]
        store.models.add_outputs(connection, benchmark_id, new)
    verdicts = judging(database, judge, benchmark=BENCHMARK)
    results = [
        _result(Trial(judge.digest, Battle.of(each, outputs[each.key, a], outputs[each.key, b]), order), number)
        for each in asked
        for number, (a, b) in enumerate((a, b) for a in MODELS for b in MODELS if a < b)
        for order in Order
    ]
    with database.write() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, BENCHMARK)
        verdicts.add(connection, results)
        evidence = {"instruction": "k", "start": 0, "end": 9, "before": ATTACK, "match": ATTACK, "after": ATTACK}
        finding = {"model": MODELS[0], "severity": "high", "rule": ATTACK, "evidence": [evidence]}
        numbers = {"value": 1.0, "lower": 0.5, "upper": 1.0}
        document = {"findings": [finding | numbers], "rules": {ATTACK: ATTACK}, "notes": [ATTACK], "failures": [ATTACK]}
        subject = Subject("submissions", benchmark, model=MODELS[0])
        add_audit(connection, subject, passed=False, document=document)
    database.close()


def _conversation() -> Instruction:
    tool = Tool(ATTACK, ATTACK, ATTACK)
    messages = (Message("system", (Text(ATTACK),), ATTACK), Message(ATTACK, (Text(ATTACK),)), Message("user", _user()))
    return Instruction((ATTACK,), category=ATTACK, full=Conversation(messages, (tool,)))


def _user() -> tuple[Part, ...]:
    return Text(ATTACK), Media(ATTACK, url=f"{CATCHER}/u.png", name=ATTACK, media_type=ATTACK), Opaque(ATTACK, ATTACK)


def _trajectories(asked: Instruction) -> list[Output]:
    fields = dict.fromkeys(("tool", "arguments", "result", "role", "name", "error", "kind"), ATTACK)
    return [
        Output(asked.key, model, ATTACK, trajectory=Trajectory((Segment(3, hostile_messages(text=text, **fields)),)))
        for model, text in zip(MODELS, (ATTACK, *(f"{place} {ATTACK}" * 200 for place in range(3))), strict=True)
    ]


def _result(trial: Trial, number: int) -> TrialResult:
    token = TokenLogprob(ATTACK[:40], -0.1, ((ATTACK[:40], -0.1), ("![t](http://attacker.invalid/t.png)", -3.0)))
    preference = (number * 37 % 100) / 100
    status = Status.TIE if preference == 0.5 else Status.OK
    if number == 5:
        verdict = Verdict(Status.UNPARSED, Source.NONE, detail=ATTACK, parser="1")
    else:
        verdict = Verdict(status, Source.LABEL, preference, label=ATTACK, parser="1")
    reply = Completion(ATTACK, reasoning=ATTACK, logprobs=(token,), finish_reason=ATTACK[:30])
    sides = trial.battle
    return TrialResult(
        trial.key, sides.instruction.key, sides.a.model, sides.b.model, trial.order, trial.repeat, verdict, reply
    )
