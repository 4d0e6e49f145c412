"""Leaderboards, pairs and audits as cells, Markdown, CSV and documents; estimates as rows; results as plain values.

Documents hold what is stored, rates in [0, 1]; cells are texts, rates in percent.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Any

from judgebench.audits import SUBMISSIONS
from judgebench.audits.findings import AuditReport, Finding, Severity
from judgebench.audits.robustness import Summary
from judgebench.estimate import Estimate
from judgebench.formats.writing import write_csv
from judgebench.leaderboard import DATA_COLUMNS, METHODS, Leaderboard, Row
from judgebench.services.audits.registry import AUDITS
from judgebench.show import coverage
from judgebench.show.numbers import MISSING, Labelled, Unit, amount, dollars, interval, percent, ranks, span, value
from judgebench.show.sentences import basis, remedy
from judgebench.show.text import count, escaped_markdown, one_line, visible

if TYPE_CHECKING:
    from judgebench.bias.counterfactual import Counterfactuals
    from judgebench.services.distributions import Distributions
    from judgebench.services.history import History
    from judgebench.services.imports import ImportReport
    from judgebench.services.part_rates import CategoryRates
    from judgebench.services.submissions import MatchReport
    from judgebench.stats.win_rate import PairRates

_PAIR_COLUMNS = ("model", "opponent", "win_rate", "lower", "upper", "battles")
CATEGORY_COLUMNS = ("model", "category", "value", "lower", "upper", "battles", "wins", "ties", "instructions")
HISTORY_COLUMNS = ("time", "verdicts", "model", "rating", "lower", "upper", "rank_lower", "rank_upper")
HISTORY_HEADINGS = ("time", "verdicts", "model", "rating", "interval", "ranks")
DISTRIBUTION_COLUMNS = ("model", "low", "high", "count")
REMEDIES = "What would give it"  # the column of commands
_ESTIMATE = ("value", "lower", "upper", "level", "method", "n", "identified")
_SPAN_CHARS = 100  # shown of a finding's first evidence
AuditRow = Mapping[str, Any]  # of a document


def board_headings(board: Leaderboard) -> list[str]:
    """Of the cells of each row; ``model`` and ``note`` are words, all others numbers."""
    return ["rank", "range", "model", *(heading for heading, _ in _columns(board))]


def board_cells(board: Leaderboard, row: Row) -> list[str]:
    """What the leaderboard says of a model, marks of audits included."""
    places = [MISSING if row.rank is None else str(row.rank), ranks(row.rank_lower, row.rank_upper)]
    return [*places, visible(row.model), *(cell(row) for _, cell in _columns(board))]


def board_markdown(board: Leaderboard) -> str:
    """A table with what it counts above and what it rests on below; names cannot break out of their cell."""
    table = markdown(board_headings(board), [board_cells(board, row) for row in board.rows])
    above, below = (
        "\n".join(f"- {escaped_markdown(line)}" for line in lines)
        for lines in (coverage.sentences(board.coverage), basis(board))
    )
    return "\n\n".join(filter(None, (above, table, below))) + "\n"


def board_csv(board: Leaderboard) -> str:
    """One line a model, with every column of its row and what the leaderboard counts."""
    return csv_text(board.data_rows(), DATA_COLUMNS)


def board_document(benchmark: str, board: Leaderboard) -> dict[str, Any]:
    """As ``--format json`` prints it."""
    return {
        "benchmark": benchmark,
        "judges": list(board.judges),
        "method": board.method,
        "scale": board.scale,
        "baseline": board.baseline,
        "interval": {"level": board.level, "method": board.interval_method},
        "rows": [row.columns() for row in board.rows],
        "left_out": {str(status): count for status, count in sorted(board.left_out.items())},
        "coverage": coverage.document(board.coverage),
        "notes": [*board.notes, *coverage.sentences(board.coverage)],
        "gate": None if board.gate is None else asdict(board.gate),
    }


def pairs_csv(rates: "PairRates", models: Sequence[str]) -> str:
    """Every pair of ``models`` that met, one line a direction."""
    return csv_text(rates.pairs(models), _PAIR_COLUMNS)


def category_rows(rates: "CategoryRates") -> Iterator[dict[str, Any]]:
    """A row for every model and category, with the columns CATEGORY_COLUMNS."""
    for model, parts in rates.rates.items():
        for part in parts:
            known = part.estimate
            ends = {"value": known.value, "lower": known.lower, "upper": known.upper}
            counts = {name: getattr(part, name) for name in ("battles", "wins", "ties", "instructions")}
            yield {"model": model, "category": part.name, **ends, **counts}


def history_rows(of: "History") -> Iterator[dict[str, Any]]:
    """A row for every moment and model, with the columns HISTORY_COLUMNS."""
    for then in of.moments:
        for row in () if then.board is None else then.board.rows:
            ends = {"rating": row.rating, "lower": row.lower, "upper": row.upper}
            ranked = {"rank_lower": row.rank_lower, "rank_upper": row.rank_upper}
            yield {"time": then.time, "verdicts": then.verdicts, "model": row.model, **ends, **ranked}


def history_cells(of: "History") -> Iterator[tuple[str, ...]]:
    """Aligned to HISTORY_HEADINGS."""
    scale = of.board.scale
    for row in history_rows(of):
        number, between = amount(row["rating"], scale), span(row["lower"], row["upper"], scale)
        places = ranks(row["rank_lower"], row["rank_upper"])
        yield (row["time"][:19], f"{row['verdicts']:,}", visible(row["model"]), number, between, places)


def distribution_rows(of: "Distributions") -> Iterator[dict[str, Any]]:
    """A row for every model and bin, with the columns DISTRIBUTION_COLUMNS."""
    for model, counts in of.counts.items():
        for bin, number in zip(of.bins, counts, strict=True):
            yield {"model": model, "low": bin.low, "high": bin.high, "count": number}


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in which no cell can break out of its place."""
    lines = [headings, ["---"] * len(headings), *([escaped_markdown(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def estimate_columns(rows: Sequence[Labelled], benchmark: str) -> Mapping[str, list[Any]]:
    """Estimates by column, with a command that would give what is missing; columns that hold nothing are left out.

    The heading of the intervals names their level, or each interval does where levels differ.
    """
    known = [(row, row.estimate) for row in rows if row.estimate is not None]
    levels = {estimate.level for row, estimate in known if interval(estimate, row.unit)}
    between = f"{next(iter(levels)):.0%} interval" if len(levels) == 1 else "Interval"
    columns: dict[str, list[Any]] = {
        "What": [one_line(row.label, 200) for row, _ in known],
        "Value": [value(estimate, row.unit) for row, estimate in known],
        between: [_interval(estimate, row.unit, named=len(levels) > 1) for row, estimate in known],
        "n": [estimate.n for _, estimate in known],
        "Not known because": [one_line(estimate.reason, 200) for _, estimate in known],
        REMEDIES: [one_line(remedy(estimate, benchmark), 200) for _, estimate in known],
        "Method": [estimate.method if estimate.identified else "" for _, estimate in known],
    }
    always = ("What", "Value", between, "n")
    return {column: cells for column, cells in columns.items() if column in always or any(cells)}


def _interval(estimate: Estimate, unit: Unit, *, named: bool) -> str:
    """``named``: with its level."""
    between = interval(estimate, unit)
    return f"{between} at {estimate.level:.0%}" if between and named else between


@dataclass(frozen=True, slots=True)
class Move:
    """A model's win rate as judged and without the effects, and the models that it would surely pass.

    Nobody where nobody labelled: ``WithoutEffect.with_quality``.
    """

    model: str
    win_rate: Estimate
    without: Estimate
    change: Estimate
    passes: tuple[str, ...]
    flag: str  # what an audit of its outputs found


def moves(counterfactuals: "Counterfactuals", baseline: str | None = None) -> list[Move]:
    """The best without the effects first, the baseline left out: it stays at its 50 %. Empty where nothing is known."""
    if not any(entry.board for entry in counterfactuals.entries):
        return []
    together = counterfactuals.together
    passes: dict[str, list[str]] = {}
    for pair in () if together.with_quality else together.flips:
        passes.setdefault(pair.model, []).append(pair.passes)
    return [
        Move(row.model, row.win_rate, row.without, row.change, tuple(passes.get(row.model, ())), row.flag)
        for row in together.board
        if row.model != baseline
    ]


def document(result: Any) -> Any:
    """``result`` of this package as dicts, lists, text, numbers and None; NaN and infinities become None.

    An estimate is ``{"value", "lower", "upper", "level", "method", "n", "identified"}``, and ``"reason"`` where value
    or interval are missing.
    """
    if isinstance(result, Estimate):
        numbers = {name: document(getattr(result, name)) for name in _ESTIMATE}
        return numbers | ({"reason": result.reason} if result.reason else {})
    if is_dataclass(result) and not isinstance(result, type):
        return {field.name: document(getattr(result, field.name)) for field in fields(result)}
    if isinstance(result, Enum):
        return result.value
    if isinstance(result, Mapping):
        return {str(document(key)): document(item) for key, item in result.items()}
    if isinstance(result, list | tuple):
        return [document(item) for item in result]
    if hasattr(result, "tolist"):  # an array, or a number of numpy's
        return document(result.tolist())
    if isinstance(result, float):
        return result if isfinite(result) else None
    return result


def _columns(board: Leaderboard) -> list[tuple[str, Callable[[Row], str]]]:
    """Heading and text of what follows the model's name: the rating with its interval, what it rests on, flags."""
    heading = METHODS[board.method].heading or board.scale
    rating: list[tuple[str, Callable[[Row], str]]] = [
        (heading, lambda row: amount(row.rating, board.scale)),
        ("interval", lambda row: span(row.lower, row.upper, board.scale)),
    ]
    counts: list[tuple[str, Callable[[Row], str]]] = [
        ("battles", lambda row: str(row.battles)),
        ("ties", lambda row: str(row.ties)),
    ]
    if board.scale == "score":
        counts = [("outputs", lambda row: MISSING if row.outputs is None else str(row.outputs))]
    elif heading != "win rate":
        counts.insert(0, ("win rate", lambda row: percent(row.win_rate)))
    if any(row.flag for row in board.rows):
        counts.append(("note", lambda row: visible(row.flag)))
    return rating + counts


def csv_text(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    stream = io.StringIO(newline="")
    write_csv(rows, columns, stream)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class AuditTable:
    """Cells, and what is said below them."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def report_lines(report: AuditReport) -> Iterator[str]:
    """Findings with their numbers and first evidence, what each rule counts, and how it ended."""
    for finding in report.findings:
        yield from finding_lines(finding)
    yield from (f"rule {name}: {words}" for name, words in sorted(report.rules.items()))
    yield from (f"note: {note}" for note in report.notes)
    yield from (f"failed: {failure}" for failure in report.failures)
    ended = "passed" if report.passed else "FAILED" if report.finished else "stopped before its end, and not kept"
    yield f"audit {report.audit}: {ended}"


def audit_notice(reports: Sequence[AuditReport], benchmark: str) -> Iterator[str]:
    """What whoever stores outputs should know of them: findings that honest submissions rarely have, how many others
    there are, and the command that shows them all.

    ``reports``: of outputs to the benchmark; what several of them say is said once.
    """
    findings = list(dict.fromkeys(finding for report in reports for finding in report.findings))
    rare = [finding for finding in findings if finding.severity is not Severity.LOW]
    for finding in rare:
        yield from finding_lines(finding)
    if findings:
        models = {model for report in reports for model in report.about}
        only = {"model": models.pop()} if len(models) == 1 else {}
        command = AUDITS[SUBMISSIONS].command(benchmark=benchmark, **only)
        low = len(findings) - len(rare)
        further = f", {count(low, 'low finding')} too" if low else ""
        yield f"{command} shows what was counted of what is stored{further}"


def finding_lines(finding: Finding) -> Iterator[str]:
    """The finding, and the first of its outputs: the instruction's key, the span, and what stands there."""
    yield finding_line(finding)
    for first in finding.evidence[:1]:
        text = " ".join((first.before[-20:] + "»" + first.match + "«" + first.after[:20]).split())
        yield f"        instruction {first.instruction}, characters {first.start} to {first.end}: {text[:_SPAN_CHARS]}"


def finding_line(finding: Finding) -> str:
    """Severity, model, rule, and the number with its interval."""
    number = f"{value(finding.estimate, 'short')} {interval(finding.estimate, 'short')}".rstrip()
    return f"{finding.severity:<7} {finding.model}  {finding.rule} {number}"


def audit_tables(document: AuditRow) -> Iterator[AuditTable]:
    """Those that the kind of audit adds to its findings."""
    if "entrants" in document:
        yield entrants(document)
    if "defences" in document:
        yield defences(document["defences"])
    if "estimates" in document:
        yield changes(document)


def entrants(document: AuditRow) -> AuditTable:
    """Null models, and what each wins."""
    return AuditTable(
        ("entrant", "win rate", "bounds", "claim adds", "shown first", "shown second", "verdicts", "gate"),
        tuple(
            (
                row["name"],
                percent(row["win_rate"]),
                span(row["lower"], row["upper"], "share"),
                _added(row),
                percent(row["by_order"]["first"]),
                percent(row["by_order"]["second"]),
                str(row["verdicts"]),
                row["gate"],
            )
            for row in document["entrants"]
        ),
        (_best_null(document),),
    )


def _added(row: AuditRow) -> str:
    """What a persuader's claim adds."""
    added = row.get("uplift")
    return f"{percent(added['value'])} {span(added['lower'], added['upper'], 'share')}" if added else MISSING


def _best_null(document: AuditRow) -> str:
    best, most = document.get("best_null_model"), percent(document["null_win_rate"])
    return (
        f"best null model: {best['name']}, {percent(best['value'])}; any: at most {most}" if best else f"at most {most}"
    )


def defences(rows: Sequence[AuditRow]) -> AuditTable:
    """Each defence with what null models win under it, and what it costs honest verdicts."""
    return AuditTable(
        ("defence", "null win rate", "gate", "worst entrant", "agreement", "accuracy", "lost", "tokens", "USD"),
        tuple(
            (
                row["defence"],
                f"<= {percent(row['null_win_rate'])}",
                "passed" if row["passed"] else "failed",
                row["worst_entrant"] or MISSING,
                _audited_share(row["agreement"]),
                _audited_share(row["accuracy"]),
                f"{row['without_verdict']} of {row['honest_trials']}",
                MISSING if row["tokens_a_trial"] is None else f"{row['tokens_a_trial']:.0f}",
                dollars(row["cost_usd"]),
            )
            for row in rows
        ),
        (
            "agreement: with the undefended judge (fixed) on honest battles; accuracy: with people's labels",
            "lost: honest trials without a verdict; tokens: a trial, prompt and reply; USD: of all honest trials",
        ),
    )


def changes(document: AuditRow) -> AuditTable:
    """Changes of an output, and what the judge made of each."""
    return AuditTable(
        ("change", "family", "net flip or detected", "interval", "same winner", "battles"),
        tuple(
            (
                row["name"],
                row["family"],
                percent(row["value"]),
                span(row["lower"], row["upper"], "share"),
                percent(row["robustness"]),
                str(row["instructions"]),
            )
            for row in document["estimates"]
        ),
        (", ".join(f"{field.name} {amount(document['summary'][field.name], 'share')}" for field in fields(Summary)),),
    )


def brought(report: "MatchReport | ImportReport") -> dict[str, Any]:
    """What a submission or an import says of itself, as plain values; ``submission_audit`` is None where there was
    none."""
    counts = {field.name: document(getattr(report, field.name)) for field in fields(report) if field.name != "audit"}
    return counts | {"submission_audit": None if report.audit is None else report.audit.document()}


def _audited_share(row: AuditRow | None) -> str:
    return MISSING if row is None else f"{percent(row['value'])} {span(row['lower'], row['upper'], 'share')}"
