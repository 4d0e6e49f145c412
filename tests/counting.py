"""Judges that count how often they are asked, and studies by them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from judgebench import engine
from judgebench.engine.judges import ResolvedJudge, own_judge
from judgebench.errors import JudgeError
from judgebench.records import Completion, Instruction, Prompt
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.filling import submitted

PAIRWISE, POINTWISE = "pairwise/two-way", "pointwise/mt-bench"
REPLIES = {"pairwise": "A", "pointwise": "Rating: [[7]]"}


class Counting:
    """A judge that says the same each time, or fails where its list says so."""

    def __init__(self, reply: str, fails: Sequence[int] = ()) -> None:
        self.reply = reply
        self.fails = {*fails}
        self.calls = 0
        self.questions: list[str] = []

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        self.calls += 1
        self.questions.append(str(prompt))
        if self.calls - 1 in self.fails:
            raise JudgeError("not now")
        return Completion(self.reply, cost_usd=1.0)

    async def close(self) -> None:
        """Nothing is held."""


def counting(template: str, *fails: int) -> tuple[Counting, ResolvedJudge]:
    judge = Counting(REPLIES[template.partition("/")[0]], fails)
    return judge, own_judge(judge, name="judge", version="1", template=template)


def study(judge: ResolvedJudge, benchmark: str, **fields: Any) -> Study:
    design = {"all_pairs": True} if judge.template.kind == "pairwise" else {}
    given = {"benchmark": benchmark, "judge": judge.spec, "concurrency": 1, **design, **fields}
    return make(Study, given, where="test")


def run(database: Database, judge: ResolvedJudge, benchmark: str, **fields: Any) -> engine.run.RunReport:
    return engine.run.run(database, study(judge, benchmark, **fields), environment={}, judge=judge)


def fill(database: Database, benchmark: str, instructions: Sequence[Instruction], models: Sequence[str] = "ab") -> None:
    submitted(database, instructions, [*models], lambda model, number: f"{model}", benchmark=benchmark)


def answered(path: Path) -> Path:
    """A file of results to a batch file's questions."""
    lines = []
    for line in path.read_text().splitlines():
        message = {"role": "assistant", "content": "[[A]]"}
        body = {"model": "gpt", "choices": [{"message": message, "finish_reason": "stop"}]}
        response = {"status_code": 200, "body": body}
        lines.append({"custom_id": json.loads(line)["custom_id"], "response": response, "error": None})
    target = path.with_suffix(".results")
    target.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return target
