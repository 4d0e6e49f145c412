"""What a result counts, leaves out, pools and marks: the same sentences wherever it is shown, above it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from judgebench.coverage import Coverage, FlaggedAre, People
from judgebench.show.text import count, listing, one_line, sentence

_FLAGGED: Mapping[FlaggedAre, str] = {
    "apart": "Flagged by an audit, so without a rank and nobody's opponent: {names}{hint}{taken}.",
    "left out": "Flagged by an audit, so left out: {names}{hint}{taken}.",
    "pairs": "Flagged by an audit: {names}. Pairs with what is flagged are shown.",
    "wanted": "Flagged by an audit, and counted all the same: {names}.",
    "baseline": "Flagged by an audit: {names}. What is flagged counts all the same, as the baseline is flagged.",
    "too many": "Flagged by an audit: {names}. What is flagged counts all the same, as fewer than two others are left.",
}
Door = Literal["command line", "app", "app: judges", "app: nothing"]  # the app's, by what a page lets one choose
_HINTS: Mapping[Door, Mapping[str, str]] = {
    "command line": {
        "judges": " (--judge chooses, --all-judges pools)",
        "one judge": " (--judge chooses one)",
        "only common": " (--common)",
        "common": " (--common ranks by these alone)",
        "apart": " (--with-flagged counts them)",
        "left out": " (--with-flagged takes them in)",
    },
    "app": {
        "judges": ' (in "What counts", "Judges" chooses and "All judges" pools)',
        "one judge": ' ("Judge" in "Filters" chooses one)',
        "only common": ' ("Common instructions only" in "What counts")',
        "common": ' ("Common instructions only" in "What counts" ranks by these alone)',
        "apart": ' ("Flagged models too" in "What counts" gives them ranks)',
        "left out": ' ("Flagged models too" in "What counts" takes them in)',
    },
    "app: judges": {"judges": ' ("Judges" chooses, "All judges" pools)'},
    "app: nothing": {},
}  # how to count something else; where there is no way, nothing is said
_NONE = "no verdict that could count"
NOTHING = "Left out: nothing."
_AWAY: tuple[FlaggedAre, ...] = ("apart", "left out")  # where flagged models count for no other one


def sentences(coverage: Coverage | None, door: Door = "command line") -> list[str]:
    """Whose verdicts count, and what is left out, pooled, flagged and not audited; none where nobody looked.

    ``door``: where they are read, and so by which words one chooses what counts.
    """
    if coverage is None:
        return []
    hints = _HINTS[door]
    lines = [*_judges(coverage, hints), *_models(coverage, hints), *_trials(coverage), *_instructions(coverage, hints)]
    return [*lines, *([] if _anything(coverage) else [NOTHING]), *_audits(coverage, door)]


def brief(coverage: Coverage | None) -> str:
    """The same in one line, for where the whole stands one click away: whose verdicts count, and how much is left out
    or marked; empty where nobody looked."""
    if coverage is None:
        return ""
    whose, amounts = next(_judges(coverage, {}), ""), "; ".join(_amounts(coverage))
    return f"{whose} {f'{sentence(amounts)}.' if amounts else ''}".strip()


def _amounts(coverage: Coverage) -> Iterator[str]:
    yield from (f"only {what} {one_line(name)}" for what, name in _filters(coverage) if name is not None)
    if coverage.judged < coverage.instructions:
        yield f"{coverage.judged:,} of {count(coverage.instructions, 'instruction')} count"
    if trials := sum(coverage.left_out.values()):
        yield f"{count(trials, 'trial')} without a verdict left out"
    if away := len({*coverage.not_ranked, *coverage.not_judged, *coverage.by_others}):
        yield f"{count(away, 'model')} not ranked"
    if coverage.flagged:
        are = "left out" if coverage.flagged_are in _AWAY else "counted"
        yield f"{count(len(coverage.flagged), 'flagged model')} {are}"
    if coverage.suspect:
        yield f"{count(len(coverage.suspect), 'model')} with what may work on a judge"
    if coverage.unaudited:
        yield f"{count(len(coverage.unaudited), 'model')} not audited"
    if coverage.groups > 1:
        yield f"no battle connects {count(coverage.groups, 'group')} of models"


def averaged(judge: str | None, judges: Sequence[str], door: Door = "command line") -> Iterator[str]:
    """What a list of battles says of the judges whose verdicts it averages: of ``judge``, or of all who have any."""
    if judge is None and len(judges) > 1:
        whose = f"{count(len(judges), 'judge')}, {listing(judges)}"
        yield f"Preferences are means over the verdicts of {whose}{_HINTS[door].get('one judge', '')}."


def document(coverage: Coverage | None) -> dict[str, Any] | None:
    """The same facts as plain values."""
    return None if coverage is None else coverage.document()


def told(coverage: Coverage | None) -> dict[str, Any]:
    """Both, as documents and frames hold them."""
    return {"coverage": document(coverage), "notes": sentences(coverage)}


def _judges(coverage: Coverage, hints: Mapping[str, str]) -> Iterator[str]:
    if coverage.people is not None:
        yield _people(coverage.people)
        return
    told = {name: number for name, number in coverage.judges.items() if number}
    silent = sorted(set(coverage.judges) - set(told))
    by = _numbered(told) + (f"; {_NONE} of {listing(silent)}" if silent else "")
    others = f"; not counted: {_numbered(coverage.other_judges)}" if coverage.other_judges else ""
    if silent and not told:
        yield f"{sentence(_NONE)} of {listing(silent)}{others}."
    elif coverage.pooled:
        yield f"Verdicts of {count(len(told), 'judge')} are pooled: {by}{others}."
    elif coverage.judges_by == "jury":
        yield f"A jury of {count(len(told), 'judge')}: {by}{others}."
    elif coverage.judges_by == "each":
        yield f"Judged by {by}{', each by itself' if len(told) > 1 else ''}{others}."
    elif coverage.judges and others and coverage.judges_by == "most verdicts":
        yield f"Judged by {by}, the judge with most{others}{hints.get('judges', '')}."
    elif coverage.judges:
        yield f"Judged by {by}{others}."


def _people(people: People) -> str:
    """How many votes of how many people."""
    chosen = f" chosen: {listing(list(people.chosen))}" if people.chosen else ""
    by = f" on {one_line(people.question)}" if people.question else ""
    words = f"By people{by}: {count(people.votes, 'vote')} of {count(people.annotators, 'annotator')}{chosen}"
    if people.both_bad:
        words += f"; {people.both_bad:,} of them that both outputs are bad, which count as ties"
    if people.other_votes:
        others = count(people.other_annotators, "other annotator")
        words += f"; not counted: {count(people.other_votes, 'vote')} of {others}"
    return f"{words}."


def _numbered(judges: Mapping[str, int]) -> str:
    """Names with numbers of verdicts, most first, long lists cut."""
    ordered = sorted(judges, key=lambda name: (-judges[name], name))
    return listing(
        [f"{one_line(name)} ({count(judges[name], 'verdict') if judges[name] else _NONE})" for name in ordered]
    )


def _models(coverage: Coverage, hints: Mapping[str, str]) -> Iterator[str]:
    if coverage.models < coverage.submitted:
        yield f"Only {coverage.models:,} of {count(coverage.submitted, 'model')}: those that were chosen."
    if coverage.flagged:
        hint = hints.get(coverage.flagged_are, "")
        taken = ""
        if coverage.of_flagged:
            verb = "counts" if coverage.of_flagged == 1 else "count"
            taken = f"; {count(coverage.of_flagged, _what(coverage))} on them {verb} for no other model"
        yield _FLAGGED[coverage.flagged_are].format(names=_named(coverage.flagged), hint=hint, taken=taken)
    if coverage.others_met and coverage.baseline is not None:
        others = count(coverage.others_met, _what(coverage))
        yield f"Only battles with the baseline {one_line(coverage.baseline)} count: {others} on others left out."
    if coverage.not_ranked:
        why = f"their {_what(coverage)}s tell nothing here"
        if coverage.baseline is not None:
            why = f"they have no battle with the baseline {one_line(coverage.baseline)}"
        yield f"{_judged(coverage)} and not ranked, as {why}: {_named(coverage.not_ranked)}."
    if coverage.not_judged:
        yield f"Submitted and not {_judged(coverage).lower()}: {_named(coverage.not_judged)}."
    if coverage.by_others:
        whom = "judges that" if coverage.people is None else "annotators who"
        yield f"{_judged(coverage)} only by {whom} are not counted: {_named(coverage.by_others)}."
    if coverage.groups > 1:
        yield f"No battle connects {count(coverage.groups, 'group')} of models: compare inside a group only."


def _what(coverage: Coverage) -> str:
    """What counts, one of them."""
    return "verdict" if coverage.people is None else "vote"


def _judged(coverage: Coverage) -> str:
    return "Judged" if coverage.people is None else "Voted on"


def _trials(coverage: Coverage) -> Iterator[str]:
    counts = [f"{number:,} {status}" for status, number in sorted(coverage.left_out.items()) if number]
    if counts:
        yield f"Left out: {', '.join(counts)} (trials without a verdict, so neither win, loss, tie nor score)."


def _instructions(coverage: Coverage, hints: Mapping[str, str]) -> Iterator[str]:
    chosen = [f"{what} {one_line(name)}" for what, name in _filters(coverage) if name is not None]
    if chosen:
        yield f"Only {', '.join(chosen)}: {coverage.chosen:,} of {count(coverage.instructions, 'instruction')}."
    if coverage.common:
        common = count(coverage.judged, "instruction")
        done = _judged(coverage).lower().removesuffix(" on")
        yield f"Only the {common} that all models were {done} on{hints.get('only common', '')}."
    elif coverage.judged < coverage.chosen:
        have = "has" if coverage.judged == 1 else "have"
        yield f"{coverage.judged:,} of {count(coverage.chosen, 'instruction')} {have} a {_what(coverage)} that counts."
    if coverage.fewest < coverage.most:
        shared = "no instruction is shared by all"
        if coverage.shared:
            verb = "is" if coverage.shared == 1 else "are"
            shared = f"{coverage.shared:,} {verb} shared by all{hints.get('common', '')}"
        numbers = f"{coverage.fewest:,} to {count(coverage.most, 'instruction')}"
        done = _judged(coverage).lower().removesuffix(" on")
        yield f"Models were {done} on {numbers} (fewer than {coverage.most:,}: {_named(coverage.short)}); {shared}."
    if coverage.fewest_samples < coverage.most_samples:
        samples = f"{coverage.fewest_samples:,} to {count(coverage.most_samples, 'output')}"
        yield f"Models have {samples} to an instruction; all that were {_judged(coverage).lower()} count."


def _filters(coverage: Coverage) -> tuple[tuple[str, str | None], ...]:
    return (("category", coverage.category), ("language (a guess)", coverage.language))


def _audits(coverage: Coverage, door: Door) -> Iterator[str]:
    if coverage.suspect:
        yield f"An audit found what may work on a judge: {_named(coverage.suspect)}."
    yield from unaudited(coverage.unaudited, coverage.models, door)


def unaudited(models: tuple[str, ...], of: int, door: Door = "command line") -> Iterator[str]:
    """Which of so many models no audit looked at as they are."""
    if of and len(models) == of:
        where = "judgebench audit submissions" if door == "command line" else "the page Audits"
        yield f"No submission here was audited: {where} looks for outputs that cheat."
    elif models:
        yield f"Not audited, or not since outputs were added: {_named(models)}."


def _named(models: tuple[str, ...]) -> str:
    """Names, many of them counted first."""
    return listing(models) if len(models) == 1 else f"{count(len(models), 'model')}, {listing(models)}"


def _anything(coverage: Coverage) -> bool:
    """Whether something of the benchmark was left out, asked for or not."""
    models = coverage.not_ranked or coverage.not_judged or coverage.by_others or coverage.models < coverage.submitted
    flagged = coverage.flagged and coverage.flagged_are in _AWAY
    fewer = coverage.judged < coverage.instructions or coverage.fewest < coverage.most or coverage.others_met
    others = coverage.other_judges or (coverage.people is not None and coverage.people.other_votes)
    return bool(any(coverage.left_out.values()) or models or flagged or fewer or others)
