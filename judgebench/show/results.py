"""Results as commands print them, on a database and from a server alike, each in the form that was asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from judgebench.records import Order
from judgebench.show import cards as report_cards
from judgebench.show import coverage, profiles, tables, versions, voters
from judgebench.show import goals as of_goals
from judgebench.show import placement as of_placements
from judgebench.show import published as as_published
from judgebench.show import steps as of_steps
from judgebench.show.conversations import battle_lines, battles_document, samples
from judgebench.show.numbers import amount, estimate, interval, value
from judgebench.show.printed import Printed, Table, estimates, table
from judgebench.show.sentences import basis
from judgebench.show.text import count, one_line

if TYPE_CHECKING:
    from judgebench.audits.findings import AuditReport
    from judgebench.bias.card import Card
    from judgebench.leaderboard import Leaderboard
    from judgebench.leaderboard.published.board import PublishedBoard
    from judgebench.services.battles import BattleSummary, JudgedBattle, JudgedTrial
    from judgebench.services.benchmarks import BenchmarkSummary
    from judgebench.services.goals import GoalReport
    from judgebench.services.placement import Placement
    from judgebench.services.profiles import Comparison
    from judgebench.services.steps import StepReport
    from judgebench.services.voters import TwoBoards

Form = Literal["table", "json", "csv", "markdown"]  # not every result has each
Result = Printed | str | dict[str, Any] | list[dict[str, Any]]  # for a terminal, a file's text, a JSON document
_Parts = Iterator[str | Table]
_LISTED = 20  # of the largest changes of either kind


def board(made: "Leaderboard", benchmark: str, form: Form) -> Result:
    """A leaderboard, with what it counts above and what it rests on under it."""
    match form:
        case "json":
            return tables.board_document(benchmark, made)
        case "csv":
            return tables.board_csv(made)
        case "markdown":
            return tables.board_markdown(made)
    rows = (tables.board_cells(made, row) for row in made.rows)
    shown = table(tables.board_headings(made), rows, text=("model", "note"))
    return Printed((*coverage.sentences(made.coverage), shown, *basis(made)))


def published_board(made: "PublishedBoard", benchmark: str, form: Form) -> Result:
    """A board as a benchmark publishes it; many numbers of a model stand under each other."""
    match form:
        case "json":
            return as_published.document(benchmark, made)
        case "csv":
            return as_published.as_csv(made)
        case "markdown":
            return as_published.as_markdown(made)
    if as_published.is_wide(made):
        shown = table(("model", "number", "value"), as_published.long_cells(made), text=("model", "number"))
    else:
        rows = (as_published.cells(made, row) for row in made.rows)
        shown = table(as_published.headings(made), rows, text=("model",))
    return Printed((*coverage.sentences(made.coverage), shown, *as_published.sentences(made)))


def two_boards(two: "TwoBoards", benchmark: str, form: Form) -> Result:
    """Judges' leaderboard beside people's, and where they are apart."""
    match form:
        case "json":
            return voters.two_document(benchmark, two)
        case "csv":
            return tables.csv_text(voters.two_rows(two), voters.TWO_COLUMNS)
        case "markdown":
            return voters.two_markdown(two)
    counted = (*coverage.sentences(two.judges.coverage), *coverage.sentences(two.people.coverage))
    shown = table(voters.place_headings(two), voters.places(two), text=("model", ""))
    return Printed((*voters.basis(two), *counted, shown, voters.apart(two)))


def benchmarks(listed: "Sequence[BenchmarkSummary]", form: Form) -> Result:
    if form == "json":
        return [asdict(row) for row in listed]
    rows = [(row.name, row.instructions, len(row.models), len(row.judges), row.verdicts) for row in listed]
    return Printed((table(("benchmark", "instructions", "models", "judges", "verdicts"), rows),))


def battles(
    listed: "Sequence[BattleSummary]",
    total: int,
    judge: str | None,
    judges: Sequence[str],
    opened: "Sequence[JudgedBattle] | None",
    form: Form,
) -> Result:
    """``judge``: whose verdicts are averaged; None: those of ``judges``. ``opened``: with all that was said in each."""
    from judgebench.store.battles import BattleSummary  # it loads SQLAlchemy, which no other result needs

    match form:
        case "json":
            return battles_document(listed, total, judge, judges, opened)
        case "csv":
            return tables.csv_text(map(asdict, listed), [field.name for field in fields(BattleSummary)])
    counted = f"{len(listed):,} of {count(total, 'battle')}"
    if opened is not None:
        return Printed((*(part for battle in opened for part in _battle(battle)), counted))
    rows = (
        (
            one_line(row.text),
            row.model_a,
            row.model_b,
            amount(row.preference, "number"),
            {True: "yes", False: "no", None: "-"}[row.consistent],
            f"{row.with_preference:,}/{row.trials:,}",
        )
        for row in listed
    )
    shown = table(("instruction", "A", "B", "preference for A", "consistent", "verdicts"), rows)
    return Printed((*coverage.averaged(judge, tuple(judges)), shown, counted))


def _battle(battle: "JudgedBattle") -> _Parts:
    """Who said what, and every verdict."""
    yield from battle_lines(battle)
    for reading in battle.goals:
        yield f"{one_line(reading.model)}, goals by {of_goals.brief(reading)}"
        yield table(of_goals.GOAL_HEADINGS, of_goals.goal_cells(reading.goals, battle.instruction.goals))
    for read in battle.steps:
        yield f"{one_line(read.output.model)}, steps by {of_steps.brief(read)}"
        yield table(of_steps.STEP_HEADINGS, of_steps.step_cells(read))
    several = len(battle.outputs) > 1
    headings = ("judge", "first", *(("samples",) if several else ()), "repeat", "preference for A", "label")
    rows = (_trial(shown, several=several) for shown in battle.verdicts)
    yield table((*headings, "status", "read from", "detail"), rows)
    yield ""


def _trial(shown: "JudgedTrial", *, several: bool) -> tuple[object, ...]:
    """``several``: which samples were compared, too."""
    return (
        one_line(shown.judge),
        {Order.AB: "A", Order.BA: "B", None: "-"}[shown.order],
        *((samples(shown.output_a, shown.output_b),) if several else ()),
        shown.repeat + 1,
        amount(shown.verdict.preference, "number"),
        one_line(shown.verdict.label or "-"),
        shown.verdict.status,
        shown.verdict.source,
        one_line(shown.verdict.detail or "-", 120),
    )


def cards(made: "Sequence[Card]", form: Form) -> Result:
    """A judge's report card; of several a column each."""
    if form == "json":
        documents = [report_cards.card_document(card) for card in made]
        return documents[0] if len(made) == 1 else {"cards": documents}
    return Printed(tuple(_card(made[0]) if len(made) == 1 else _cards(made)))


def _card(made: "Card") -> _Parts:
    yield from coverage.sentences(made.coverage)
    yield f"{made.judge} on {made.benchmark} (LLM {made.model}, template {made.template})"
    yield report_cards.overall(made)
    yield report_cards.overall_rule(made)
    rows = (
        (
            *(line.grade, line.name, value(line.figure, line.unit), interval(line.figure, line.unit)),
            f"{line.question}: {line.figure.reason if line.figure.value is None else line.evidence}",
        )
        for line in made.lines
    )
    yield table(("grade", "line", "value", "interval", "evidence"), rows)
    if failures := report_cards.failures(made):
        yield f"{report_cards.FAILURES}:"
        yield from (f"  {line}" for line in failures)
    yield "Grades, given where the interval leaves one or two neighbours open:"
    yield from (f"  {line.name}: {line.rule}" for line in made.lines if line.rule)
    if missing := list(report_cards.ungraded(made)):
        yield "Too little data, and what would give it:"
        yield from (f"  {line.name}: {line.reason}: {line.command}" for line in missing)
    yield from made.notes


def _cards(made: "Sequence[Card]") -> _Parts:
    """The rest is in each one's own card."""
    yield from (f"{card.judge} on {card.benchmark}: {report_cards.overall(card)}" for card in made)
    yield report_cards.overall_rule(made[0])
    lines = [{line.name: line for line in card.lines} for card in made]
    rows = (
        (name, *(f"{own[name].grade}: {estimate(own[name].figure, own[name].unit)}" for own in lines))
        for name in lines[0]
    )
    yield table(("line", *(card.judge for card in made)), rows)


def comparison(between: "Comparison", benchmark: str, form: Form) -> Result:
    """Two models, or two versions of one; for a terminal the largest changes alone."""
    change = between.change
    match form:
        case "json":
            numbers = ("whole", "categories", "battles", "change")
            return {
                **{"benchmark": benchmark, "first": between.first, "second": between.second},
                "decision": change.decision,
                **{name: tables.document(getattr(between, name)) for name in numbers},
                **coverage.told(between.coverage),
            }
        case "csv":
            return tables.csv_text(versions.rows(change), versions.COLUMNS)
    return Printed(tuple(_comparison(between)))


def _comparison(between: "Comparison") -> _Parts:
    change = between.change
    yield from coverage.sentences(between.coverage)
    yield from versions.sentences(between)
    yield from estimates(f"{between.second} as a new version of {between.first}", versions.labelled(between))
    if between.met:  # else there is no battle between them to count
        heading = f"{between.first} against {between.second}"
        parts = (replace(between.whole, name="all"), *between.categories)
        yield table(profiles.part_headings(heading, "rate"), profiles.part_cells(parts, "rate"), text=(heading,))
    if change.categories:
        yield table(versions.category_headings(change), versions.category_cells(change), text=("category",))
    outputs = [output for output in change.instructions if output.difference]
    shown = outputs if len(outputs) <= 2 * _LISTED else (*outputs[:_LISTED], *outputs[-_LISTED:])
    if shown:
        headings = versions.output_headings(change)
        cells = versions.output_cells(change, shown, between.battles)
        yield table(headings, cells, text=(*headings[:2], "flip"))
    if len(shown) < len(outputs):
        yield f"{count(len(outputs) - len(shown), 'instruction')} in between are not shown"
    if equal := len(change.instructions) - len(outputs):
        yield f"nothing changed on {count(equal, 'instruction')}"


def audit(report: "AuditReport", form: Form) -> Result:
    """What an audit found, and how it ended."""
    return report.document() if form == "json" else Printed(tuple(_audit(report)))


def _audit(report: "AuditReport") -> _Parts:
    for part in tables.audit_tables(report.details):
        yield table(part.headings, part.rows, text=("entrant", "defence", "worst entrant", "change", "family"))
        yield from part.notes
    yield from tables.report_lines(report)


def placement(made: "Placement", form: Form) -> Result:
    """Where new models land, and what that took."""
    return of_placements.placement_document(made) if form == "json" else Printed(tuple(of_placements.placed(made)))


def goals(report: "GoalReport", form: Form) -> Result:
    """What a judge says of the goals of dialogues."""
    match form:
        case "json":
            return of_goals.documented(report)
        case "csv":
            return of_goals.csv(report)
        case "markdown":
            return of_goals.markdown(report) + "\n"
    return Printed(tuple(_goals(report)))


def _goals(report: "GoalReport") -> _Parts:
    yield from of_goals.sentences(report)
    for headings, cells in of_goals.tables_of(report):
        yield table(headings, cells, text=headings[:1])
    if lines := of_goals.differences(report):
        yield from estimates(f"goal success, points, {report.level:.0%} intervals paired by dialogue", lines)
    for alike in of_goals.lists_compared(report):
        yield from estimates(of_goals.agreement_title(alike), of_goals.agreements(alike))
    for success in report.success:
        yield from estimates(*of_goals.success_lines(success))


def steps(report: "StepReport", form: Form) -> Result:
    """What a judge says of steps and places; CSV has a row for each."""
    match form:
        case "json":
            return of_steps.document(report)
        case "csv":
            return tables.csv_text(of_steps.rows(report.readings), of_steps.COLUMNS)
    return Printed(tuple(_steps(report)))


def _steps(report: "StepReport") -> _Parts:
    yield from of_steps.sentences(report)
    yield from estimates(f"intervals at {report.level:.0%}, clustered by instruction", of_steps.labelled(report.whole))
    yield of_steps.logs(report.whole)
    for name, parts in (("model", report.models), ("category", report.categories)):
        if parts:
            yield table(of_steps.part_headings(report, name), of_steps.part_cells(report, parts), text=(name,))
