"""What the app's pages need besides the services, in one place: records, errors, choices, and readers of uploads.

Pages import this, ``services`` and ``show``, and nothing else of the package.
"""

from judgebench.actors import ACTOR_VARIABLE, own_name
from judgebench.audits.findings import AuditReport, Evidence, Finding
from judgebench.bias.card import Card, CardLine
from judgebench.bias.counterfactual import Counterfactuals
from judgebench.bias.human_agreement import AgreementReport
from judgebench.bias.report import BiasReport
from judgebench.bias.taste import Slopes
from judgebench.bias.voters import VotersReport
from judgebench.coverage import Coverage
from judgebench.engine.plan import CostEstimate
from judgebench.engine.plan import estimate as cost_estimate
from judgebench.errors import DatabaseBusy, DatabaseError, InputError, JudgeBenchError, NoDatabase, UnknownName
from judgebench.formats.goal_labels import GoalLabel, read_goal_labels
from judgebench.formats.known import Known
from judgebench.formats.outputs import OutputsFile, read_outputs
from judgebench.formats.reading import NamedPath, ReadLimits
from judgebench.images import Copy
from judgebench.keys import clean_text
from judgebench.leaderboard import METHODS, BoardGate, Choices, JudgeGate, Leaderboard, Method, Row
from judgebench.leaderboard.board import State
from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.judge_board import JudgeBoard
from judgebench.records import (
    OVERALL,
    Completion,
    HumanLabel,
    Instruction,
    Judge,
    Lineage,
    Order,
    Output,
    Status,
    TokenLogprob,
)
from judgebench.spec import JudgeSpec, templates
from judgebench.spec.connection import ServerConnection
from judgebench.spec.study import Study
from judgebench.stats.agreement import Resampling
from judgebench.stats.win_rate import PairRates
from judgebench.store.audits import StoredAudit
from judgebench.store.battles import BattleFilter, BattleOrder, BattleSummary
from judgebench.store.benchmarks import STAGE
from judgebench.store.database import Database, parse_address

__all__ = [
    "ACTOR_VARIABLE", "METHODS", "OVERALL", "PROFILES", "STAGE", "AgreementReport", "AuditReport", "BattleFilter",
    "BattleOrder",
    "BattleSummary", "BiasReport", "BoardGate", "Card", "CardLine", "Choices", "Completion", "Copy", "CostEstimate",
    "Counterfactuals", "Coverage", "Database", "DatabaseBusy", "DatabaseError", "Evidence", "Finding", "GoalLabel",
    "HumanLabel",
    "InputError", "Instruction", "Judge",
    "JudgeBenchError", "JudgeBoard",
    "JudgeGate", "JudgeSpec", "Known", "Leaderboard", "Lineage", "Method", "NamedPath", "NoDatabase", "Order", "Output",
    "OutputsFile", "PairRates", "ReadLimits", "Resampling", "Row", "ServerConnection", "Slopes", "State", "Status",
    "StoredAudit", "Study", "TokenLogprob", "UnknownName", "VotersReport", "clean_text", "cost_estimate",
    "own_name", "parse_address", "read_goal_labels", "read_outputs", "templates",
]  # fmt: skip
