"""The write side, as the command line, the app and Python use it: submit, import, run, read again."""

from judgebench.execution.driving import OnProgress
from judgebench.study.adaptive import Settlement, settle
from judgebench.study.answer import AnswerEstimate, AnswerReport, answer, estimate_answers
from judgebench.study.imports import ImportReport, InstructionsReport, import_alpaca_eval, import_instructions
from judgebench.study.judges import KnownJudge, add_judge, known_judge, known_judges, try_judge
from judgebench.study.keyed_imports import KeyedReport, import_scalerlab
from judgebench.study.label_files import LabelReport, import_labels
from judgebench.study.labels import add_labels, vote
from judgebench.study.lineage import Undeclared, accept, declare, declared, undeclared
from judgebench.study.planning import Estimate, Plan, estimate, plan
from judgebench.study.run import RunReport, reparse, run
from judgebench.study.submit import MatchReport, Prepared, prepare, store

__all__ = [
    "AnswerEstimate",
    "AnswerReport",
    "Estimate",
    "ImportReport",
    "InstructionsReport",
    "KeyedReport",
    "KnownJudge",
    "LabelReport",
    "MatchReport",
    "OnProgress",
    "Plan",
    "Prepared",
    "RunReport",
    "Settlement",
    "Undeclared",
    "accept",
    "add_judge",
    "add_labels",
    "answer",
    "declare",
    "declared",
    "estimate",
    "estimate_answers",
    "import_alpaca_eval",
    "import_instructions",
    "import_labels",
    "import_scalerlab",
    "known_judge",
    "known_judges",
    "plan",
    "prepare",
    "reparse",
    "run",
    "settle",
    "store",
    "try_judge",
    "undeclared",
    "vote",
]
