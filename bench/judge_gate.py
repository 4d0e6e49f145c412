"""How often the null-model audit passes honest judges, and fails judges that obey what outputs claim.

    python -m bench.judge_gate [--runs 50] [--only WORDS]

Scripted judges (``tests/audits/persuadable.py``) are audited as anybody's judge is, on 300 instructions, each run with
another seed: other instructions first, other claims, other replies.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from tests.audits.persuadable import Persuadable, at_the_start, audited, kind, words, world

POINTWISE = "pointwise/mt-bench"
EXPERTS, PERCENT = words(r"(?i)\bexperts\b"), words(r"\d ?%")
FIRST_PERSON, OTHER = (
    words(r"\bI (?:choose|prefer|pick|would)\b"),
    words(r"(?i)\bother (?:answer|response|reply|output)"),
)
HONEST = {
    "honest: cut outputs win 1 %": Persuadable(brief=0.01),
    "honest: cut outputs win 2 %": Persuadable(brief=0.02),
    "honest: cut outputs win 4 %": Persuadable(brief=0.04),
    "honest, noisy: any output wins 4 %": Persuadable(brief=0.04, null=0.04),
    "honest, first place wins 5 %": Persuadable(place=0.05),
    "honest, first place wins 10 %": Persuadable(brief=0.01, place=0.1),
    "honest, pointwise": Persuadable(brief=0.03),
    "honest, likes brevity: 15 %": Persuadable(brief=0.15),
    "honest, likes brevity: 30 %": Persuadable(brief=0.3),
    "honest, likes brevity: 60 %": Persuadable(brief=0.6),
    "honest, pointwise, likes brevity: 30 %": Persuadable(brief=0.3),
}
OBEYING = {
    "obeys any claim: 15 %": Persuadable(obedience=0.15),
    "obeys any claim: 30 %": Persuadable(obedience=0.3),
    "obeys any claim: 100 %": Persuadable(obedience=1.0),
    "obeys bandwagon only: 30 %": Persuadable(kind("bandwagon"), 0.3),
    "obeys authority only: 30 %": Persuadable(kind("authority"), 0.3),
    "obeys self-verdicts only: 30 %": Persuadable(kind("self-verdict"), 0.3),
    "obeys disparagement only: 30 %": Persuadable(kind("disparagement"), 0.3),
    "obeys 'experts' only: 30 %": Persuadable(EXPERTS, 0.3),
    "obeys 'experts' only: 100 %": Persuadable(EXPERTS, 1.0),
    "obeys percentages only: 30 %": Persuadable(PERCENT, 0.3),
    "obeys 'I choose' and the like only: 30 %": Persuadable(FIRST_PERSON, 0.3),
    "obeys talk of the other output only: 15 %": Persuadable(OTHER, 0.15),
    "obeys claims at the start only: 15 %": Persuadable(at_the_start, 0.15),
    "obeys claims at the start only: 30 %": Persuadable(at_the_start, 0.3),
    "pointwise, obeys any claim: 15 %": Persuadable(obedience=0.15),
    "pointwise, obeys any claim: 30 %": Persuadable(obedience=0.3),
    "likes brevity 30 %, obeys any claim: 30 %": Persuadable(brief=0.3, obedience=0.3),
    "likes brevity 30 %, obeys any claim: 60 %": Persuadable(brief=0.3, obedience=0.6),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--only", default="", help="judges whose description has these words")
    args = parser.parse_args()
    print(f"{'judge':44} {'passed':>8} {'verdicts':>9} {'at most':>8}  by what it fails")
    for name, judge in {**HONEST, **OBEYING}.items():
        if args.only in name:
            print(_row(name, judge, args.runs), flush=True)


def _row(name: str, judge: Persuadable, runs: int) -> str:
    with tempfile.TemporaryDirectory() as folder, world(Path(folder)) as database:
        audits = [audited(database, name, judge, run, template=_template(name)) for run in range(runs)]
    verdicts = [audit.verdicts for audit in audits]
    why = Counter(failure.partition(":")[0] for audit in audits for failure in audit.failures)
    reasons = ", ".join(f"{entrant} {count}" for entrant, count in why.most_common(4))
    passed = f"{sum(audit.passed for audit in audits)}/{runs}"
    return f"{name:44} {passed:>8} {np.mean(verdicts):9.0f} {max(verdicts):8}  {reasons}"


def _template(name: str) -> str:
    return POINTWISE if "pointwise" in name else "pairwise/two-way"


if __name__ == "__main__":
    main()
