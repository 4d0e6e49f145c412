"""The write side, as the command line, the app and Python use it: submit, import, run, read again."""

from judgebench.study.imports import ImportReport, import_alpaca_eval
from judgebench.study.run import Estimate, OnProgress, Plan, RunReport, estimate, plan, reparse, run
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
