"""Every example of a help text that needs no server, no person's file and no minutes works on the demo's benchmark."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.cli.test_main import EXAMPLES

DEMO = Path(__file__).parents[2] / "demo"
ELSEWHERE = re.compile(
    r"https?://|postgresql://|--judge qwen3|gpt-5|my-vicuna|vicuna-7b|judgebench (app|serve|vllm)|judgebench.* demo$"
    r"|batch (submit|ingest)|import -|results\b|scalerlab|outputs\.csv"
    r"|hindsight"  # needs what happened after outputs
    r"|labels boards|--by both"  # need votes on what was judged
    r"|db (delete|rename|merge)"  # of what others need, or beside what they leave; the documentation does each
    r"|jobs (resume|wait)"  # of one that was stopped
)


@pytest.mark.slow
def test_the_examples_work_on_the_demo(invoke: Invoke, tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    for model in ("demo-careful", "demo-hasty", "demo-rambling"):
        path = tmp_path / "demo" / "outputs" / f"{model}.json"
        assert invoke("submit", path, "--model", model, "--benchmark", "demo").code == 0
    # Judges under the names that the examples use: the embedded one would take minutes.
    for name, judge in (("embedded", "scripted:always-first"), ("scripted:coin", "scripted:coin")):
        run = ("run", "--benchmark", "demo", "--judge", judge, "--judge-name", name, "--all-pairs")
        assert invoke(*run).code == 0
    checks = ("run", "--benchmark", "demo", "--judge", "scripted:all-good", "--judge-name", "checker")
    assert invoke(*checks, "--template", "pointwise/steps").code == 0
    label = {"instruction": "Two and two?", "output_a": "4", "output_b": "5", "winner": "A", "worker_id": "ann"}
    (tmp_path / "people.jsonl").write_text(json.dumps(label))
    (tmp_path / "people.csv").write_text(",".join(label) + "\n" + ",".join(label.values()))
    (tmp_path / "lineage.csv").write_text("model,family\nmy-vicuna,llama\n")
    assert invoke("--db", "my.db", "db", "upgrade").code == 0
    tried = [example for example in dict.fromkeys(EXAMPLES) if not ELSEWHERE.search(example)]
    assert len(tried) > 50
    wrong = {}
    for example in tried:
        ended = invoke(*shlex.split(example)[1:])
        answers = (0, 3) if " compare " in example else (0, 1) if " audit " in example else (0,)  # 3: cannot tell
        if ended.code not in answers:
            wrong[example] = (ended.code, ended.err[-300:])
    assert wrong == {}
