"""Audits: what they found, the worst first; each one's question, newest result and start; null models and defences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import audit_start, auth, cached, commands, filters
from app.views import elements, findings, progress, ways
from app.views.elements import line, unavailable
from app.views.words import of_app
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.audits.registry import AUDITS, Audit
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.contamination import Contamination
from judgebench.services.jobs import Job
from judgebench.services.pages import DatabaseError, InputError, JudgeBenchError, StoredAudit
from judgebench.show import charts, coverage
from judgebench.show.findings import SEVERITIES
from judgebench.show.numbers import Labelled, fixed, percent, span
from judgebench.show.seen import BesideOutputs
from judgebench.show.text import count, one_line

_POLL_S = 2.0
_JOBS = 4  # shown, the newest and all that run
_OVERLAPS = 20  # shown
_LOOKED = "contamination looked for"  # of the session: in which state of the database, and of what
Judges = Mapping[str, str]  # digest -> name


def _running(benchmark: str) -> frozenset[int]:
    """The numbers of this benchmark's audits that are going on, or wait for a worker."""
    return frozenset(job.id for job in cached.jobs(("audit",), benchmark) if job.is_open)


def _progress(benchmark: str, before: frozenset[int]) -> None:
    """The audits that were started here; the page runs anew once one of those that ran ``before`` it was read ends."""
    auth.need(Role.VIEWER)  # a part that runs by itself does not pass the gate again
    running = _running(benchmark)
    if before - running:
        st.rerun()
    started = cached.jobs(("audit",), benchmark)
    shown = [job for place, job in enumerate(started) if place < _JOBS or job.is_open]
    if shown:
        st.subheader("Jobs", anchor=False)
    runs = cached.runs(cached.source()) if running else []
    for job in shown:
        with st.container(border=True, key=f"audit_{job.id}"):
            _job(job, services.jobs.calls_ended(job, runs))


def _job(job: Job, ended: int) -> None:
    name, _ = services.jobs.audit(job)
    by = f" of {one_line(job.subject)}" if job.subject else ""
    state = progress.state(job)
    how = {None: state, True: "done: passed", False: "done: failed, see what was found below"}[job.passed]
    line(f"{_title(name)}{by}, {job.created_at[:16].replace('T', ' ')} UTC: {how}")
    if job.is_open and job.planned:
        st.progress(min(ended / job.planned, 1.0), text=f"{ended:,} of at most {count(job.planned, 'call')}")
    if message := progress.told(job):
        line(one_line(message, 400))
    if job.is_open and not job.is_stopping:
        st.button("Stop", key=f"stop_{job.id}", on_click=_act, args=(job, progress.stop))
    elif not job.is_open and job.passed is None:
        st.button("Resume", key=f"resume_{job.id}", on_click=_act, args=(job, audit_start.resume))


def _act(job: Job, do: Any) -> None:
    try:
        auth.need(Role.ADMIN if job.subject else Role.SUBMITTER)
        do(job)
    except InputError as error:  # forbidden, or it was resumed from another window
        st.toast(one_line(str(error), 200))
    except DatabaseError:  # the page that is drawn next says what is away
        st.toast("Nothing was changed.")


def _findings(source: cached.Source, benchmark: str, audits: Sequence[StoredAudit], judges: Judges) -> None:
    """What was found, the worst first, whoever found it."""
    told = [
        findings.Told(
            audit.kind, _about(audit, finding, judges), str(audit.document.get("rules", {}).get(finding["rule"], ""))
        )
        for audit in audits
        if audit.kind in AUDITS
        for finding in audit.document["findings"]
    ]
    if not told:
        if audits:
            line("Nothing was found by the audits that were made.")
        return
    st.subheader("What was found", anchor=False)
    numbers = Counter(one.severity for one in told)
    severities = ", ".join(f"{numbers[severity]} {severity}" for severity in SEVERITIES if numbers[severity])
    line(
        f"{count(len(told), 'finding')}: {severities}. High: the ranking means nothing until it is explained. "
        "Low: honest submissions have it too."
    )
    if counts := findings.counts(told, filters.link):
        elements.table(counts)
    seen = cached.seen(source, benchmark, tuple(findings.places([one.finding for one in findings.shown(told)])))
    beside = BesideOutputs(seen, cached.seen_images(source, seen))
    elements.table(findings.findings(told, filters.link, beside.markup))


def _about(audit: StoredAudit, finding: dict[str, Any], judges: Judges) -> dict[str, Any]:
    """The finding; of a null model with the judge that it was entered against."""
    if audit.kind != "null-models":
        return finding
    judge = judges.get(audit.judge_digest or "", "a judge that is gone")
    return {**finding, "model": f"{judge}: {finding['model']}"}


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


def _outcome(audit: StoredAudit) -> str:
    passed = "passed" if audit.passed else "failed"
    stale = ", but what it looked at has grown since" if audit.stale else ""
    return f"{audit.created_at[:16].replace('T', ' ')} UTC: {passed}{stale}"


def _audit(
    source: cached.Source, audit: Audit, audits: Sequence[StoredAudit], benchmark: BenchmarkSummary, judges: Judges
) -> None:
    """What one audit answers, how it last ended, and its start."""
    with st.container(border=True, gap="xsmall", key=f"about_{audit.name}"):
        st.markdown(f"**{_title(audit.name)}**")
        line(audit.question or audit.help)
        for sentence in _results(source, audit, audits, benchmark, judges):
            line(sentence)
        is_named = st.query_params.get("start") == audit.name
        form = st.expander("Start it", expanded=is_named, key=f"form_{audit.name}", on_change="rerun")
        if form.open:  # four forms take a browser longer than all else of the page
            with form:
                audit_start.form(source, audit, benchmark)


def _failure(words: object) -> str:
    return f"Failed: {of_app(one_line(str(words), 1000))}"


def _results(
    source: cached.Source, audit: Audit, audits: Sequence[StoredAudit], benchmark: BenchmarkSummary, judges: Judges
) -> list[str]:
    if not audits:
        return ["Not done yet."]
    notes = Counter(str(note) for stored in audits for note in dict.fromkeys(stored.document.get("notes", [])))
    told = [elements.note(note) + (f" (noted of {number})" if number > 1 else "") for note, number in notes.items()]
    if audit.subject == "judge":
        names = [one_line(judges.get(stored.judge_digest or "", "a judge that is gone"), 200) for stored in audits]
        return [*(f"{name}, {_outcome(stored)}" for name, stored in zip(names, audits, strict=True)), *told]
    failed = sum(not stored.passed for stored in audits)
    failures = [_failure(failure) for stored in audits for failure in stored.document.get("failures", [])]
    about = f"{count(len(audits), 'submission')} audited, {failed:,} failed. " if audit.subject == "submissions" else ""
    unaudited = cached.unaudited(source, benchmark.name, benchmark.models) if about else ()
    more = coverage.unaudited(unaudited, len(benchmark.models))
    return [f"{about}Newest: {_outcome(audits[0])}", *failures, *more, *told]


def _contamination(source: cached.Source, benchmark: str) -> None:
    with st.container(border=True, gap="xsmall", key="about_contamination"):
        st.markdown("**Contamination**")
        line("Do instructions or references stand in outputs, in judges' templates or in other benchmarks?")
        if auth.person().role < Role.SUBMITTER:
            line("Looking takes the server's time: it needs the role submitter, which you do not have. In a terminal:")
        else:
            if st.button("Look now", key="contamination", icon=":material/search:"):
                st.session_state[_LOOKED] = (source, benchmark)
            if st.session_state.get(_LOOKED) == (source, benchmark):  # until something new is stored
                auth.need(Role.SUBMITTER)
                _overlaps(cached.contamination(source, benchmark), benchmark)
        st.code(commands.contamination(benchmark), language=None, wrap_lines=True)


def _overlaps(known: Contamination, benchmark: str) -> None:
    rows = [
        Labelled("Instructions found elsewhere", known.instructions),
        Labelled("References found elsewhere", known.references),
        Labelled("Instructions with thirteen words in a row found elsewhere", known.verbatim),
    ]
    line(f"{count(known.searched, 'text')} searched; {count(len(known.found), 'place')} found. Nothing of it is kept.")
    ways.estimates(rows, benchmark, alt="Contamination")
    if known.found:
        elements.values(
            {
                "What": [one.what for one in known.found[:_OVERLAPS]],
                "Where": [one_line(one.where, 200) for one in known.found[:_OVERLAPS]],
                "Similarity": [fixed(one.similarity, 2) for one in known.found[:_OVERLAPS]],
                "Text": [one_line(one.excerpt, 160) for one in known.found[:_OVERLAPS]],
            },
            alt="Texts of the benchmark found elsewhere",
        )


def _bias() -> None:
    with st.container(border=True, gap="xsmall", key="about_bias"):
        st.markdown("**Bias**")
        line("Do place, length, style or kinship move verdicts? Stored verdicts tell: nobody is asked.")
        elements.links(("Bias", filters.link("bias")), ("Report cards", filters.link("judges")))


def _null_models(audits: Sequence[StoredAudit], judges: Judges) -> None:
    """Each judge's newest audit in numbers."""
    if not audits:
        return
    st.subheader("Null models", anchor=False)
    line("Entrants whose output ignores the instruction. A judge passes when each is shown to win less than the gate.")
    for audit in audits:
        document = audit.document
        line(f"{one_line(judges.get(audit.judge_digest or '', 'a judge that is gone'), 200)}, {_outcome(audit)}")
        entrants = document.get("entrants", [])
        gate = document.get("gate", {}).get("fail_above", 0.1)
        if entrants:
            st.vega_lite_chart(
                charts.null_models(entrants, gate), alt="Win rates of null models; the table below has the same numbers"
            )
            elements.values(_entrants(document), alt="Null models")
        for failure in document.get("failures", []):
            line(_failure(failure))


def _entrants(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Intervals are of both bounds together, each of which errs as often as the gate does."""
    entrants, level = document["entrants"], 1 - 2 * document["gate"]["error"]
    return {
        "Entrant": [one_line(str(entrant["name"])) for entrant in entrants],
        "What it is": [one_line(str(entrant["about"]), 200) for entrant in entrants],
        "Win rate": [percent(entrant["win_rate"]) for entrant in entrants],
        f"{level:.0%} interval": [span(entrant["lower"], entrant["upper"], "share") for entrant in entrants],
        "Claim adds": [percent((entrant.get("uplift") or {}).get("value")) for entrant in entrants],
        "Shown first": [percent(entrant["by_order"].get("first")) for entrant in entrants],
        "Shown second": [percent(entrant["by_order"].get("second")) for entrant in entrants],
        "Verdicts": [entrant["verdicts"] for entrant in entrants],
        "Gate": [entrant["gate"] for entrant in entrants],
    }


def _defences(audits: Sequence[StoredAudit], judges: Judges) -> None:
    """Judges behind defences beside the others, and what a comparison of all measured."""
    rows = [(judges.get(audit.judge_digest or "", ""), audit) for audit in audits]
    measured = [row for audit in audits for row in audit.document.get("defences", [])]
    if not measured and not any("+" in judge for judge, _ in rows):
        return
    st.subheader("Defences", anchor=False)
    told = [(str(row["judge"]), row["null_win_rate"], row["passed"], row["null_verdicts"]) for row in measured]
    told += [
        (judge, audit.document.get("null_win_rate"), audit.passed, audit.document.get("verdicts"))
        for judge, audit in rows
        if judge not in {name for name, *_ in told}
    ]
    elements.values(
        {
            "Judge": [one_line(judge, 200) for judge, *_ in told],
            "Worst null model's upper bound": [percent(bound) for _, bound, _, _ in told],
            "Gate": ["passed" if passed else "failed" for _, _, passed, _ in told],
            "Verdicts": [verdicts for *_, verdicts in told],
        },
        alt="Defences side by side",
    )


def _page(source: cached.Source, benchmark: BenchmarkSummary, running: frozenset[int]) -> None:
    """``running``: audits that were going on before ``source`` was read."""
    audits = cached.audits(source, benchmark.name)
    by_kind = {kind: [audit for audit in audits if audit.kind == kind] for kind in AUDITS}
    judges = {judge.digest: judge.name for judge in cached.judges(source)}
    st.fragment(_progress, run_every=_POLL_S if running else None)(benchmark.name, running)
    named = st.query_params.get("start", "")
    if named in AUDITS:  # where a link leads, that stands first
        _audit(source, AUDITS[named], by_kind[named], benchmark, judges)
    _findings(source, benchmark.name, audits, judges)
    st.subheader("The audits", anchor=False)
    for name, audit in AUDITS.items():
        if name != named:
            _audit(source, audit, by_kind[name], benchmark, judges)
    _contamination(source, benchmark.name)
    _bias()
    _null_models(by_kind["null-models"], judges)
    _defences(by_kind["null-models"], judges)


st.title("Audits", anchor=False)
try:
    benchmark = filters.benchmark(filters.source())
    running = _running(benchmark.name)
    _page(cached.source(), benchmark, running)
except JudgeBenchError as error:
    unavailable("There is nothing to audit here.", error)
