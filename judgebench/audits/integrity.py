"""Are stored verdicts what a ranking takes them for? Counts over verdicts in force, nothing asked again.

Orders out of balance, trials that are missing or failed, one judge's name with several LLMs or texts behind it, a trial
counted twice, and verdicts that their own completions do not bear out. It cannot see what was never stored. A finding's
``model`` is the judge's name where the finding is about a judge.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from judgebench.audits import INTEGRITY
from judgebench.audits.findings import (
    AuditReport,
    Finding,
    FindingRule,
    Severity,
    counted,
    make_report,
    share_estimate,
    share_finding,
)
from judgebench.records import Judge, Order, Source, Status, Verdict

BALANCE = FindingRule(
    "unbalanced-orders",
    "Share of a judge's verdicts on a model against one other that show the former first, orders being known. Low when "
    "its interval lies outside 40 to 60 %, medium when every verdict shows the same one first, 10 verdicts at least: "
    "then position bias cannot be told from quality.",
)
MISSING = FindingRule(
    "missing-trials",
    "Share of a model's battles that have fewer verdicts by a judge than that judge's battles usually have.",
    low=0.001,
    medium=0.1,
)
FAILED = FindingRule(
    "failed-trials",
    "Share of a model's trials that ended without a preference, by judge; they count neither as wins nor as losses.",
    low=0.01,
    medium=0.1,
)
CHANGED = FindingRule(
    "judge-changed",
    "Share of a judge's replies that name another LLM than most of its replies do.",
    low=0.0,
    medium=0.01,
)
EDITED = FindingRule(
    "template-edited",
    "Number of different texts under which judges of one LLM used a template of one name and version; medium above 1.",
)
DOUBLE = FindingRule(
    "duplicated-verdicts",
    "Share of a judge's verdicts in force that repeat another on the same instruction, models, order and repeat.",
    low=None,
    high=0.0,
)
REREAD = FindingRule(
    "not-borne-out",
    "Share of a judge's verdicts that differ from what this version's parser reads in their completions, the parser's "
    "version being the same.",
    low=None,
    high=0.0,
)
STALE = FindingRule(
    "older-parser",
    "Share of a judge's verdicts, read by an older parser, that this version's parser reads otherwise; judgebench "
    "reparse brings them up to date.",
    low=0.0,
)
LABELLED = FindingRule(
    "label-for-odds",
    "Share of a judge's verdicts that are its label's although its template asks for the odds of all labels: the "
    "verdict's token or its odds were not certain, and each verdict's detail says why.",
    low=0.0,
    medium=0.1,
)
RULES = (BALANCE, MISSING, FAILED, CHANGED, EDITED, DOUBLE, REREAD, STALE, LABELLED)
_ENOUGH = 10
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict in force, and what its completion says today."""

    judge: str  # name
    instruction: str  # key
    model_a: str
    model_b: str | None  # None: pointwise
    order: Order | None
    repeat: int
    verdict: Verdict
    replied_by: str | None = None  # the LLM that the server named
    reread: Verdict | None = None  # None: no completion, or not one of ours to read
    samples: tuple[int, int] = (0, 0)  # of A's output and of B's

    @property
    def battle(self) -> tuple[object, ...]:
        """What was judged: which outputs to which instruction."""
        return (self.instruction, self.model_a, self.model_b, self.samples)

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model_a,) if self.model_b is None else (self.model_a, self.model_b)


def audit_integrity(verdicts: Iterable[StoredVerdict], judges: Sequence[Judge]) -> AuditReport:
    """Findings over all verdicts given, e.g. those of one benchmark, and the judges that gave them."""
    by_judge: dict[str, list[StoredVerdict]] = defaultdict(list)
    for verdict in verdicts:
        by_judge[verdict.judge].append(verdict)
    findings: list[Finding] = list(_edited(judges))
    for name, given in sorted(by_judge.items()):
        findings += _balance(given)
        findings += _missing(given)
        findings += _failed(given)
        findings += _about_judge(name, given)
    notes = [] if by_judge else ["there are no verdicts"]
    report = make_report(INTEGRITY, findings, RULES, notes)
    return replace(report, details={"verdicts": {name: len(given) for name, given in sorted(by_judge.items())}})


def agrees(stored: Verdict, reread: Verdict) -> bool:
    """Whether two readings of one completion are the same verdict."""
    if stored.status is not reread.status:
        return False
    pairs = ((stored.preference, reread.preference), (stored.score, reread.score))
    return all(x == y or (x is not None and y is not None and abs(x - y) < _TOLERANCE) for x, y in pairs)


def _about_judge(name: str, given: Sequence[StoredVerdict]) -> Iterator[Finding]:
    trials = Counter((v.battle, v.order, v.repeat) for v in given)
    llms = Counter(v.replied_by for v in given if v.replied_by is not None)
    reread = [(v.verdict, v.reread) for v in given if v.reread is not None]
    same = [not agrees(old, new) for old, new in reread if old.parser == new.parser]
    older = [not agrees(old, new) for old, new in reread if old.parser != new.parser]
    labelled = sum(v.verdict.source is Source.LABEL and v.verdict.detail is not None for v in given)
    counts = (
        (LABELLED, labelled, len(given)),
        (DOUBLE, len(given) - len(trials), len(given)),
        (CHANGED, llms.total() - max(llms.values(), default=0), llms.total()),
        (REREAD, sum(same), len(same)),
        (STALE, sum(older), len(older)),
    )
    findings = (share_finding(rule, name, [None] * count, total) for rule, count, total in counts)
    yield from (finding for finding in findings if finding is not None)


def _balance(given: Sequence[StoredVerdict]) -> Iterator[Finding]:
    orders: dict[tuple[str, str], Counter[Order]] = defaultdict(Counter)
    for stored in given:
        if stored.order is not None and stored.model_b is not None:
            orders[stored.model_a, stored.model_b][stored.order] += 1
    for (a, _), counts in sorted(orders.items()):
        first, total = counts[Order.AB], counts.total()
        share = share_estimate(first, total)
        lower, upper = share.ends
        if total >= _ENOUGH and (lower > 0.6 or upper < 0.4):
            severity = Severity.MEDIUM if first in (0, total) else Severity.LOW
            yield Finding(a, severity, BALANCE.name, (), share)


def _missing(given: Sequence[StoredVerdict]) -> Iterator[Finding]:
    battles = Counter(v.battle for v in given)
    usual = Counter(battles.values()).most_common(1)[0][0]
    short = {battle: count < usual for battle, count in battles.items()}
    yield from _by_model(
        MISSING, {m: [is_short for b, is_short in short.items() if m in b[1:3]] for m in _models(given)}
    )


def _failed(given: Sequence[StoredVerdict]) -> Iterator[Finding]:
    ended: dict[str, list[bool]] = defaultdict(list)
    for stored in given:
        failed = stored.verdict.status not in (Status.OK, Status.TIE)
        for model in stored.models:
            ended[model].append(failed)
    yield from _by_model(FAILED, ended)


def _by_model(rule: FindingRule, flagged: Mapping[str, Sequence[bool]]) -> Iterator[Finding]:
    for model, flags in sorted(flagged.items()):
        finding = share_finding(rule, model, [None] * sum(flags), len(flags))
        if finding is not None:
            yield finding


def _models(given: Sequence[StoredVerdict]) -> set[str]:
    return {name for stored in given for name in stored.models}


def _edited(judges: Sequence[Judge]) -> Iterator[Finding]:
    """One LLM asked with two texts under one template's name."""
    texts: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for judge in judges:
        texts[judge.model, judge.template].setdefault(judge.template_digest, judge.name)
    for names in texts.values():
        if len(names) > 1:
            first = min(names.values())
            yield Finding(first, Severity.MEDIUM, EDITED.name, (), counted(float(len(names))))
