"""What a result counts, leaves out, pools and marks: the same sentences wherever it is shown, above it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from judgebench.coverage import Coverage, FlaggedAre
from judgebench.show.text import count, listing, one_line

_FLAGGED: Mapping[FlaggedAre, str] = {
    "apart": "Flagged by an audit, so without a rank and nobody's opponent: {names} (--with-flagged counts them).",
    "left out": "Flagged by an audit, so left out: {names} (--with-flagged takes them in).",
    "pairs": "Flagged by an audit: {names}. Their pairs are shown.",
    "wanted": "Flagged by an audit, and counted all the same: {names}.",
    "baseline": "Flagged by an audit: {names}. They count as all others do, as the baseline is one of them.",
    "too many": "Flagged by an audit: {names}. They count as all others do, as fewer than two others are left.",
}
_NONE = "no verdict that could count"
NOTHING = "Left out: nothing."


def sentences(coverage: Coverage | None) -> list[str]:
    """Whose verdicts count, and what is left out, pooled, flagged and not audited; none where nobody looked."""
    if coverage is None:
        return []
    lines = [*_judges(coverage), *_models(coverage), *_trials(coverage), *_instructions(coverage)]
    return [*lines, *([] if _anything(coverage) else [NOTHING]), *_audits(coverage)]


def averaged(judge: str | None, judges: Sequence[str]) -> Iterator[str]:
    """What a list of battles says of the judges whose verdicts it averages: of ``judge``, or of all who have any."""
    if judge is None and len(judges) > 1:
        whose = f"{len(judges)} judges, {listing(judges)}"
        yield f"Preferences are means over the verdicts of {whose} (--judge chooses one)."


def document(coverage: Coverage | None) -> dict[str, Any] | None:
    """The same facts as plain values."""
    return None if coverage is None else coverage.document()


def told(coverage: Coverage | None) -> dict[str, Any]:
    """Both, as documents and frames hold them."""
    return {"coverage": document(coverage), "notes": sentences(coverage)}


def _judges(coverage: Coverage) -> Iterator[str]:
    told = {name: number for name, number in coverage.judges.items() if number}
    silent = sorted(set(coverage.judges) - set(told))
    by = _numbered(told) + (f"; {_NONE} of {listing(silent)}" if silent else "")
    others = f"; not counted: {_numbered(coverage.other_judges)}" if coverage.other_judges else ""
    if coverage.pooled:
        yield f"Verdicts of {len(told)} judges are pooled: {by}{others}."
    elif coverage.judges_by == "jury":
        yield f"A jury of {count(len(told), 'judge')}: {by}{others}."
    elif coverage.judges_by == "each":
        yield f"Judged by {by}{', each by itself' if len(told) > 1 else ''}{others}."
    elif coverage.judges and others and coverage.judges_by == "most verdicts":
        yield f"Judged by {by}, the judge with most{others} (--judge chooses, --all-judges pools)."
    elif coverage.judges:
        yield f"Judged by {by}{others}."


def _numbered(judges: Mapping[str, int]) -> str:
    """Names with numbers of verdicts, most first, long lists cut."""
    ordered = sorted(judges, key=lambda name: (-judges[name], name))
    return listing(
        [f"{one_line(name)} ({count(judges[name], 'verdict') if judges[name] else _NONE})" for name in ordered]
    )


def _models(coverage: Coverage) -> Iterator[str]:
    if coverage.flagged:
        yield _FLAGGED[coverage.flagged_are].format(names=_named(coverage.flagged))
    if coverage.not_ranked:
        why = "their verdicts tell nothing here"
        if coverage.baseline is not None:
            why = f"they have no battle with the baseline {one_line(coverage.baseline)}"
        yield f"Judged and not ranked, as {why}: {_named(coverage.not_ranked)}."
    if coverage.not_judged:
        yield f"Submitted and not judged: {_named(coverage.not_judged)}."
    if coverage.by_others:
        yield f"Judged only by judges that are not counted: {_named(coverage.by_others)}."
    if coverage.groups > 1:
        yield f"No battle connects {coverage.groups} groups of models: compare inside a group only."


def _trials(coverage: Coverage) -> Iterator[str]:
    counts = [f"{number:,} {status}" for status, number in sorted(coverage.left_out.items()) if number]
    if counts:
        yield f"Left out: {', '.join(counts)} (trials without a verdict, so neither win, loss, tie nor score)."


def _instructions(coverage: Coverage) -> Iterator[str]:
    chosen = [f"{what} {one_line(name)}" for what, name in _filters(coverage) if name is not None]
    if chosen:
        yield f"Only {', '.join(chosen)}: {coverage.chosen:,} of {count(coverage.instructions, 'instruction')}."
    if coverage.common:
        yield f"Only the {count(coverage.judged, 'instruction')} that all models were judged on (--common)."
    elif coverage.judged < coverage.chosen:
        yield f"{coverage.judged:,} of {count(coverage.chosen, 'instruction')} have a verdict that counts."
    if coverage.fewest < coverage.most:
        shared = "no instruction is shared by all"
        if coverage.shared:
            verb = "is" if coverage.shared == 1 else "are"
            shared = f"{coverage.shared:,} {verb} shared by all (--common ranks by these alone)"
        numbers, short = f"{coverage.fewest:,} to {coverage.most:,}", _named(coverage.short)
        yield f"Models were judged on {numbers} instructions (fewer than {coverage.most:,}: {short}); {shared}."
    if coverage.fewest_samples < coverage.most_samples:
        samples = f"{coverage.fewest_samples} to {coverage.most_samples}"
        yield f"Models have {samples} outputs to an instruction; all that were judged count."


def _filters(coverage: Coverage) -> tuple[tuple[str, str | None], ...]:
    return (("category", coverage.category), ("language (a guess)", coverage.language))


def _audits(coverage: Coverage) -> Iterator[str]:
    if coverage.suspect:
        yield f"An audit found what may work on a judge: {_named(coverage.suspect)}."
    yield from unaudited(coverage.unaudited, coverage.models)


def unaudited(models: tuple[str, ...], of: int) -> Iterator[str]:
    """Which of so many models no audit looked at as they are."""
    if of and len(models) == of:
        yield "No submission here was audited: judgebench audit submissions looks for outputs that cheat."
    elif models:
        yield f"Not audited, or not since outputs were added: {_named(models)}."


def _named(models: tuple[str, ...]) -> str:
    """Names, many of them counted first."""
    return listing(models) if len(models) == 1 else f"{count(len(models), 'model')}, {listing(models)}"


def _anything(coverage: Coverage) -> bool:
    """Whether something was left out, besides what was asked for."""
    models = coverage.not_ranked or coverage.not_judged or coverage.by_others
    flagged = coverage.flagged and coverage.flagged_are == "left out"
    fewer = coverage.judged < coverage.chosen or coverage.fewest < coverage.most
    return bool(any(coverage.left_out.values()) or models or flagged or fewer or coverage.other_judges)
