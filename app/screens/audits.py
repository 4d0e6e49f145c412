"""Null models, findings and defences, as the newest audits left them; and the commands that audit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import cached, filters
from app.views import diff
from app.views.elements import line, markup, problem
from judgebench.services.audits.registry import AUDITS, Audit
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.pages import JudgeBenchError, StoredAudit
from judgebench.show import charts, coverage
from judgebench.show.numbers import percent, span
from judgebench.show.text import count, one_line

_EVIDENCE_PX, _FINDINGS_PX = 130, 400
_SHOWN = 12  # findings with their spans


def _command(source: cached.Source, audit: Audit, benchmark: BenchmarkSummary, **more: str) -> None:
    """What a terminal does it by, with the settings that the audit needs."""
    judge = benchmark.judges[0] if benchmark.judges else cached.judge_at_hand(source, benchmark.name)
    models = [*benchmark.models, "MODEL", "OPPONENT"]
    values = {"benchmark": benchmark.name, "judge": judge, "model": models[0], "opponent": models[1]}
    known = {name: values[name] for name in audit.needed if name in values}
    st.code(audit.command(**known, **more), language=None, wrap_lines=True)


def _outcome(audit: StoredAudit) -> str:
    passed = "passed" if audit.passed else "failed"
    stale = ", but what it looked at has grown since" if audit.stale else ""
    return f"{audit.created_at[:16].replace('T', ' ')} UTC: {passed}{stale}"


def _null_models(
    source: cached.Source, audits: Sequence[StoredAudit], benchmark: BenchmarkSummary, judges: dict[str, str]
) -> None:
    st.subheader("Null models", anchor=False)
    line("Entrants whose output ignores the instruction. A judge passes when each is shown to win less than the gate.")
    if not audits:
        line("No judge of this benchmark was audited yet. This does it:")
        _command(source, AUDITS["null-models"], benchmark)
    for audit in audits:
        document = audit.document
        line(f"{one_line(judges.get(audit.judge_digest or '', 'a judge that is gone'), 200)}, {_outcome(audit)}")
        entrants = document.get("entrants", [])
        gate = document.get("gate", {}).get("fail_above", 0.1)
        if entrants:
            st.vega_lite_chart(
                charts.null_models(entrants, gate), alt="Win rates of null models; the table below has the same numbers"
            )
            st.dataframe(_entrants(entrants), hide_index=True, alt="Null models")
        for failure in document.get("failures", []):
            line(one_line(str(failure), 300))


def _entrants(entrants: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {
        "Entrant": [one_line(str(entrant["name"])) for entrant in entrants],
        "What it is": [one_line(str(entrant["about"]), 200) for entrant in entrants],
        "Win rate": [percent(entrant["win_rate"]) for entrant in entrants],
        "Interval": [span(entrant["lower"], entrant["upper"], "share") for entrant in entrants],
        "Claim adds": [percent((entrant.get("uplift") or {}).get("value")) for entrant in entrants],
        "Shown first": [percent(entrant["by_order"].get("first")) for entrant in entrants],
        "Shown second": [percent(entrant["by_order"].get("second")) for entrant in entrants],
        "Verdicts": [entrant["verdicts"] for entrant in entrants],
        "Gate": [entrant["gate"] for entrant in entrants],
    }


def _findings(source: cached.Source, audit: Audit, audits: Sequence[StoredAudit], benchmark: BenchmarkSummary) -> None:
    title = audit.name.replace("-", " ").capitalize()
    st.subheader(title, anchor=False)
    if not audits:
        line("This was not audited yet. This does it:")
        _command(source, audit, benchmark)
        return
    findings = [finding for audit in audits for finding in audit.document["findings"]]
    rules = {rule: words for audit in audits for rule, words in audit.document.get("rules", {}).items()}
    failed = sum(not audit.passed for audit in audits)
    line(
        f"{len(audits):,} audited, {failed:,} failed, {count(len(findings), 'finding')}. Newest: {_outcome(audits[0])}"
    )
    if audit.subject == "submissions":
        for sentence in coverage.unaudited(
            cached.unaudited(source, benchmark.name, benchmark.models), len(benchmark.models)
        ):
            line(sentence)
    notes = Counter(str(note) for stored in audits for note in dict.fromkeys(stored.document.get("notes", [])))
    for note, number in notes.items():
        line(one_line(note, 300) + (f" (noted of {number} of {len(audits)})" if len(audits) > 1 else ""))
    if not findings:
        return
    order = {"high": 0, "medium": 1, "low": 2}
    findings.sort(key=lambda finding: order.get(finding["severity"], 3))
    st.dataframe(
        {
            "Severity": [finding["severity"] for finding in findings],
            "Model": [one_line(str(finding["model"]), 200) for finding in findings],
            "Rule": [one_line(str(finding["rule"])) for finding in findings],
            "Value": [finding["value"] for finding in findings],
            "Lower": [finding["lower"] for finding in findings],
            "Upper": [finding["upper"] for finding in findings],
            "What is counted": [one_line(str(rules.get(finding["rule"], "")), 300) for finding in findings],
        },
        hide_index=True,
        alt=title,
        placeholder="-",
        height=_FINDINGS_PX if len(findings) > _SHOWN else "content",
    )
    with_spans = [finding for finding in findings if finding.get("evidence")]
    if with_spans:
        with st.expander(f"Evidence of the first {min(_SHOWN, len(with_spans))} findings"):
            for finding in with_spans[:_SHOWN]:
                line(f"{finding['severity']}: {one_line(str(finding['model']))}, {one_line(str(finding['rule']))}")
                markup("".join(diff.highlighted(evidence) for evidence in finding["evidence"]), height=_EVIDENCE_PX)
                if audit.subject == "submissions":
                    _links(benchmark.name, finding)


def _links(benchmark: str, finding: Mapping[str, Any]) -> None:
    """Links to battles of the outputs with spans."""
    with st.container(horizontal=True):
        for number, evidence in enumerate(finding["evidence"], start=1):
            where = {"benchmark": benchmark, "models": str(finding["model"]), "instruction": evidence["instruction"]}
            st.page_link("screens/battles.py", label=f"Read output {number}", query_params=where)


def _defences(
    source: cached.Source, audits: Sequence[StoredAudit], judges: dict[str, str], benchmark: BenchmarkSummary
) -> None:
    st.subheader("Defences", anchor=False)
    rows = [(judges.get(audit.judge_digest or "", ""), audit) for audit in audits]
    defended = [(judge, audit) for judge, audit in rows if "+" in judge]
    if not defended:
        line("No defence was measured yet. This asks the judge behind one, beside the audit above:")
        _command(source, AUDITS["null-models"], benchmark, defence="escaped")
        return
    st.dataframe(
        {
            "Judge": [one_line(judge, 200) for judge, _ in rows],
            "Worst null model's upper bound": [percent(audit.document.get("null_win_rate")) for _, audit in rows],
            "Gate": ["passed" if audit.passed else "failed" for _, audit in rows],
            "Verdicts": [audit.document.get("verdicts") for _, audit in rows],
        },
        hide_index=True,
        alt="Defences side by side",
    )


st.title("Audits", anchor=False)
try:
    source = filters.source()
    benchmark = filters.benchmark(source)
    audits = cached.audits(source, benchmark.name)
    by_kind = {kind: [audit for audit in audits if audit.kind == kind] for kind in AUDITS}
    judges = {judge.digest: judge.name for judge in cached.judges(source)}
    _null_models(source, by_kind["null-models"], benchmark, judges)
    _defences(source, by_kind["null-models"], judges, benchmark)
    for name, audit in AUDITS.items():
        if name != "null-models":
            _findings(source, audit, by_kind[name], benchmark)
except JudgeBenchError as error:
    problem("Audits cannot be shown.", error)
