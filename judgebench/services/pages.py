"""What the app's pages need besides the services, in one place: records, errors, choices, and readers of uploads.

Pages import this, ``services`` and ``show``, and nothing else of the package.
"""

from judgebench.audits.findings import AuditReport
from judgebench.bias.card import Card
from judgebench.bias.counterfactual import Counterfactuals
from judgebench.bias.human_agreement import AgreementReport
from judgebench.bias.report import BiasReport
from judgebench.bias.taste import Slopes
from judgebench.coverage import Coverage
from judgebench.engine.plan import CostEstimate
from judgebench.engine.plan import estimate as cost_estimate
from judgebench.errors import InputError, JudgeBenchError
from judgebench.formats.outputs import OutputsFile, read_outputs
from judgebench.formats.reading import NamedPath, ReadLimits
from judgebench.keys import clean_text
from judgebench.leaderboard import METHODS, Choices, Leaderboard, Method
from judgebench.leaderboard.board import State
from judgebench.records import Completion, HumanLabel, Judge, Lineage, Order, Output, Status, TokenLogprob
from judgebench.spec.study import Study, make
from judgebench.stats.win_rate import PairRates
from judgebench.store.audits import StoredAudit
from judgebench.store.battles import BattleFilter, BattleOrder, BattleSummary
from judgebench.store.database import Database, parse_address

__all__ = [
    "METHODS", "AgreementReport", "AuditReport", "BattleFilter", "BattleOrder", "BattleSummary", "BiasReport", "Card",
    "Choices", "Completion", "CostEstimate", "Counterfactuals", "Coverage", "Database", "HumanLabel", "InputError",
    "Judge", "JudgeBenchError", "Leaderboard", "Lineage", "Method", "NamedPath", "Order", "Output",
    "OutputsFile", "PairRates", "ReadLimits", "Slopes", "State", "Status", "StoredAudit", "Study", "TokenLogprob",
    "clean_text", "cost_estimate", "make", "parse_address", "read_outputs",
]  # fmt: skip
