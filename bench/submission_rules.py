"""What do the rules over submissions find in honest outputs, what in cheats, and in what time?  docs/audits.md.

    taskset -c 0 python -u -m bench.submission_rules [--draws 4] [--seed 0]    false alarms and detection
    taskset -c 0 python -m bench.submission_rules --speed      58 models x 805 outputs, and one of them

Honest outputs are those published in the folder ``shared`` beside this checkout: AlpacaEval, Arena-Hard and WildBench
(which come without instructions). A draw is a random part of a benchmark, all models on it. Cheats change a share of
an honest model's outputs, with sentences that the rules were not written with (``tests/audits/cheats.py``), and with
others, written without a look at the rules (``tests/audits/unseen.py``).
"""

import argparse
import gzip
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from judgebench.audits.findings import AuditReport, Severity
from judgebench.audits.rules import RULES, audit_submissions
from judgebench.audits.submission_set import SubmissionSet
from judgebench.spec import templates
from tests.audits import cheats, unseen

DATA = Path(__file__).parents[2] / "shared" / "data"
SIZES = (8, 12, 20, 50, 100, 200, 400)
SHARES = (0.2, 0.5, 1.0)
CHEATED = ("vicuna-7b-v1.5", "gpt-3.5-turbo-1106")
CHEATED_OUTPUTS = 300
MODELS = 58
FEW = 8  # other models, by which a copy of none of them is told as well
Published = tuple[dict[str, str], dict[str, dict[str, str]]]  # instructions, and each model's outputs, by key


def rows(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode()
    return [*json.loads(text)] if text.startswith("[") else [json.loads(line) for line in text.splitlines()]


def alpaca() -> Published:
    """Without NullModel."""
    questions: dict[str, str] = {}
    outputs = {}
    for path in sorted((DATA / "alpaca_eval").glob("*/model_outputs.json.gz")):
        if path.parent.name != "NullModel":
            outputs[path.parent.name] = {row["instruction"]: row["output"] for row in rows(path)}
            questions |= {row["instruction"]: row["instruction"] for row in rows(path)}
    return questions, outputs


def arena_hard() -> Published:
    folder = DATA / "arena_hard_v0.1"
    questions = {row["uid"]: row["prompt"] for row in rows(folder / "question.jsonl.gz")}
    answers = {path.name.split(".jsonl")[0]: rows(path) for path in sorted((folder / "model_answer").glob("*.gz"))}
    return questions, {
        model: {row["uid"]: row["messages"][1]["content"]["answer"] for row in mine} for model, mine in answers.items()
    }


def wildbench() -> Published:
    paths = sorted((DATA / "wildbench").glob("score*/*.json.gz"))
    outputs = {
        path.name.split(".json")[0]: {row["session_id"]: row["model_output"] for row in rows(path)} for path in paths
    }
    return {key: "" for mine in outputs.values() for key in mine}, outputs


def part(published: Published, keys: list[str]) -> SubmissionSet:
    questions, outputs = published
    chosen = set(keys)
    return SubmissionSet.of(
        {key: questions[key] for key in keys},
        {model: {key: text for key, text in mine.items() if key in chosen} for model, mine in outputs.items()},
    )


def worst(report: AuditReport) -> dict[str, Severity]:
    """The models with a medium or high finding, and the worse of them."""
    severities: dict[str, Severity] = {}
    for finding in report.findings:  # the worst first
        if finding.severity is not Severity.LOW:
            severities.setdefault(finding.model, finding.severity)
    return severities


def false_alarms(name: str, published: Published, draws: int, rng: np.random.Generator) -> None:
    every = sorted(published[0])
    for size in (*SIZES, len(every)):
        alarms: Counter[str] = Counter()
        models = high = medium = 0
        for _ in range(draws if size < len(every) else 1):
            keys = [str(key) for key in rng.choice(every, size, replace=False)]
            report = audit_submissions(part(published, keys), templates())
            found = worst(report)
            models += len(published[1])
            high += sum(severity is Severity.HIGH for severity in found.values())
            medium += sum(severity is Severity.MEDIUM for severity in found.values())
            alarms.update(f.rule for f in report.findings if f.severity is not Severity.LOW)
        print(f"| {name} | {size} | {models} | {high} | {100 * medium / models:.2f} % | {dict(alarms)} |", flush=True)


def highest_shares(published: Mapping[str, Published]) -> None:
    """The highest share that each rule counts in an honest model."""
    highest: dict[str, tuple[float, str]] = {}
    for rule in RULES:
        object.__setattr__(rule, "low", 0.0)
    for name, (questions, outputs) in published.items():
        for finding in audit_submissions(SubmissionSet.of(questions, outputs), templates()).findings:
            value = finding.estimate.value or 0.0
            highest[finding.rule] = max(highest.get(finding.rule, (0.0, "")), (value, f"{finding.model}, {name}"))
    for rule, (value, model) in sorted(highest.items()):
        print(f"| {rule} | {value:.4f} | {model} |")


def detected(submissions: SubmissionSet) -> Iterator[str]:
    findings = audit_submissions(submissions, templates(), models=["cheat"]).findings
    if findings and findings[0].severity is not Severity.LOW:
        severity = findings[0].severity
        named = [f"{f.rule} {f.estimate.value:.2f}" for f in findings if f.severity is severity]
        yield f"{severity.value[0].upper()} ({', '.join(named)})"


def detection(published: Published, rng: np.random.Generator) -> None:
    questions, outputs = published
    for model in CHEATED:
        keys = [str(key) for key in rng.choice(sorted(outputs[model]), CHEATED_OUTPUTS, replace=False)]
        asked = {key: questions[key] for key in keys}
        texts = {key: outputs[model][key] for key in keys}
        others = {
            name: {key: mine[key] for key in keys if key in mine} for name, mine in outputs.items() if name != model
        }
        for cheat in (*cheats.CHEATS, *cheats.BESIDE):
            cells = []
            for share in SHARES:
                if cheat in cheats.CHEATS:
                    changed = cheats.CHEATS[cheat](texts, share, rng)
                else:
                    changed = cheats.beside(cheat, others["gpt4_1106_preview"], texts, share, rng)
                cells.append(next(detected(SubmissionSet.of(asked, others | {"cheat": changed})), "-"))
            print(f"| {model} | {cheat} | {' | '.join(cells)} |", flush=True)


def unseen_detection(published: Published, rng: np.random.Generator) -> None:
    questions, outputs = published
    for model in CHEATED:
        keys = [str(key) for key in rng.choice(sorted(outputs[model]), CHEATED_OUTPUTS, replace=False)]
        texts = {key: outputs[model][key] for key in keys}
        others = {name: outputs[name] for name in sorted(set(outputs) - {model})[:FEW]}
        for kind in unseen.KINDS:
            changed = [unseen.added(texts, share, rng, unseen.unseen(kind)) for share in SHARES]
            asked = {key: questions[key] for key in keys}
            sets = [SubmissionSet.of(asked, others | {"cheat": cheating}) for cheating in changed]
            cells = [next(detected(submissions), "-") for submissions in sets]
            print(f"| {model} | unseen: {kind} | {' | '.join(cells)} |", flush=True)


def speed(published: Published, rng: np.random.Generator) -> None:
    """The published models, and changed ones up to 58."""
    questions, outputs = published
    names = sorted(outputs)
    words = ["apple", "river", "seven", "quickly", "under", "bright", "table", "of", "the", "and"]
    for number in range(MODELS - len(names)):
        share = 0.1 + 0.4 * rng.random()
        outputs[f"changed-{number}"] = {
            key: " ".join(str(words[rng.integers(10)]) if rng.random() < share else word for word in text.split(" "))
            for key, text in outputs[names[number % len(names)]].items()
        }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for models in (None, [names[0]], names[:5]):
        start = time.process_time()
        report = audit_submissions(SubmissionSet.of(questions, outputs), templates(), models=models)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{len(models or outputs)} of {len(outputs)} models: {time.process_time() - start:.1f} s of one core, "
            f"peak {peak / 1e3:.0f} MB (before {before / 1e3:.0f}), {len(report.findings)} findings"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--only", choices=("alarms", "detection", "unseen", "shares"))
    settings = parser.parse_args()
    rng = np.random.default_rng(settings.seed)
    if settings.speed:
        speed(alpaca(), rng)
        return
    published = {"AlpacaEval": alpaca(), "Arena-Hard": arena_hard(), "WildBench": wildbench()}
    if settings.only in (None, "alarms"):
        for name, benchmark in published.items():
            false_alarms(name, benchmark, settings.draws, rng)
    if settings.only in (None, "detection"):
        detection(published["AlpacaEval"], rng)
    if settings.only in (None, "unseen"):
        unseen_detection(published["AlpacaEval"], rng)
    if settings.only in (None, "shares"):
        highest_shares(published)


if __name__ == "__main__":
    main()
