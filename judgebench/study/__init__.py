"""The write side, as the command line, the app and Python use it: submit, import, run, read again."""

from judgebench.study.imports import ImportReport, import_alpaca_eval
from judgebench.study.planning import Estimate, Plan, estimate, plan
from judgebench.study.run import OnProgress, RunReport, reparse, run
from judgebench.study.submit import MatchReport, Prepared, prepare, store

__all__ = [
    "Estimate",
    "ImportReport",
    "MatchReport",
    "OnProgress",
    "Plan",
    "Prepared",
    "RunReport",
    "estimate",
    "import_alpaca_eval",
    "plan",
    "prepare",
    "reparse",
    "run",
    "store",
]
