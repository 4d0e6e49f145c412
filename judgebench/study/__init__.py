"""The write side, as the command line, the app and Python use it: submit, import, run, read again."""

from judgebench.study.imports import ImportReport, import_alpaca_eval
from judgebench.study.judges import KnownJudge, add_judge, known_judge, known_judges, try_judge
from judgebench.study.keyed_imports import KeyedReport, import_scalerlab
from judgebench.study.label_files import LabelReport, import_labels
from judgebench.study.labels import add_labels, vote
from judgebench.study.planning import Estimate, Plan, estimate, plan
from judgebench.study.run import OnProgress, RunReport, reparse, run
from judgebench.study.submit import MatchReport, Prepared, prepare, store

__all__ = [
    "Estimate",
    "ImportReport",
    "KeyedReport",
    "KnownJudge",
    "LabelReport",
    "MatchReport",
    "OnProgress",
    "Plan",
    "Prepared",
    "RunReport",
    "add_judge",
    "add_labels",
    "estimate",
    "import_alpaca_eval",
    "import_labels",
    "import_scalerlab",
    "known_judge",
    "known_judges",
    "plan",
    "prepare",
    "reparse",
    "run",
    "store",
    "try_judge",
    "vote",
]
