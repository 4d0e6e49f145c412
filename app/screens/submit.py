"""Hand in a model's outputs: upload, look, name the columns, read the match report and what the audit found, store."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import auth, cached, commands, uploads
from app.auth import Role
from app.views import diff
from app.views.elements import line, markup, problem
from judgebench import services
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.pages import AuditReport, JudgeBenchError, Lineage, OutputsFile
from judgebench.services.submissions import MatchReport, Prepared
from judgebench.show.sentences import messages_held
from judgebench.show.tables import finding_line
from judgebench.show.text import one_line

_EVIDENCE_PX = 130
_FIELDS = {"instruction": "Instruction", "output": "Output", "category": "Category", "reference": "Reference"}


def _benchmarks() -> list[BenchmarkSummary]:
    """None where there is no database yet: the first submission creates it."""
    try:
        return cached.benchmarks(cached.source())
    except JudgeBenchError:
        return []


def _preview(upload: UploadedFile) -> uploads.Preview:
    """Show the first rows, and say where the file is something else than outputs."""
    with uploads.kept(upload.name, upload.getvalue()) as path:
        preview = uploads.preview(path)
    st.subheader("First rows", anchor=False)
    st.dataframe(
        {column: [row[column] for row in preview.rows] for column in preview.columns}, hide_index=True, alt="First rows"
    )
    if preview.otherwise:
        line(f"This file holds {preview.otherwise}, which judgebench import stores; outputs are read from it here.")
    return preview


def _columns(preview: uploads.Preview) -> dict[str, str]:
    """The columns that the user named, by field; the others are found by their usual names."""
    chosen = {}
    with st.expander("Columns", expanded=not preview.self_evident):
        line("Columns with usual names are found by themselves. Choose here where they are not.")
        for place, (field, label) in zip(st.columns(len(_FIELDS)), _FIELDS.items(), strict=True):
            with place:
                column = st.selectbox(
                    label,
                    preview.columns,
                    index=None,
                    placeholder="By its name",
                    key=f"column_{field}",
                    format_func=one_line,
                )
            if column is not None:
                chosen[field] = column
    return chosen


@st.cache_data(max_entries=2, scope="session", show_spinner="Reading the file")
def _read(file_id: str, columns: Mapping[str, str], _upload: UploadedFile) -> OutputsFile:
    with uploads.kept(_upload.name, _upload.getvalue()) as path:
        return uploads.read(path, columns)


def _aim(submission: OutputsFile) -> tuple[str, str, Lineage, bool, bool] | None:
    """Benchmark, model, lineage, whether to extend the benchmark, whether it is new."""
    known = [summary.name for summary in _benchmarks()]
    places = st.columns(2)
    with places[0]:
        benchmark = st.selectbox(
            "Benchmark",
            known,
            index=0 if known else None,
            key="into",
            accept_new_options=True,
            format_func=one_line,
            placeholder="Choose, or write a new name",
            help="Choose one, or write the name of a new one.",
        )
    with places[1]:
        model = st.text_input("Model", value=one_line(submission.generator or "", 200), key="model", max_chars=200)
    extend = st.toggle("Add instructions that the benchmark lacks to it", key="extend")
    return None if not benchmark or not model else (benchmark, model, _lineage(), extend, benchmark not in known)


def _lineage() -> Lineage:
    with st.expander("Lineage"):
        line("Where the model comes from. It lets a judge's preference for its relatives be measured.")
        places = st.columns(3)
        family = places[0].text_input("Family", placeholder="llama-3", max_chars=200)
        parent = places[1].text_input("Tuned from", max_chars=200)
        trained = places[2].text_input("Trained on outputs of", placeholder="names, separated by commas")
    sources = tuple(part.strip() for part in trained.split(",") if part.strip())
    return Lineage(family.strip() or None, parent.strip() or None, sources)


def _report(report: MatchReport) -> None:
    st.subheader("Match report", anchor=False)
    counts = {
        "Matched": report.matched,
        "New": report.new,
        "Missing": report.missing,
        "Duplicate": report.duplicate,
        "Empty": report.empty,
    }
    for place, (label, count) in zip(st.columns(len(counts)), counts.items(), strict=True):
        place.metric(label, f"{count:,}", border=True)
    if report.creates_benchmark:
        line(f"This creates the benchmark {one_line(report.benchmark)} with {report.new:,} instructions.")
    elif report.new and report.takes_new:
        line(f"{report.new:,} new instructions are added to the benchmark.")
    elif report.new:
        line(f"{report.new:,} rows answer instructions that the benchmark does not have; they are left out.")
    for words in messages_held(report.messages):
        line(f"{words[0].upper()}{words[1:]}.")
    if report.missing:
        line(f"{report.missing:,} instructions of the benchmark have no output here; on these the model meets nobody.")


@st.cache_data(max_entries=2, scope="session", show_spinner="Auditing the outputs")
def _audited(told_apart_by: tuple[object, ...], _prepared: Prepared) -> AuditReport | None:
    with cached.for_checking() as database:
        return services.submissions.with_audit(database, _prepared).report.audit


def _findings(audit: AuditReport) -> bool:
    """Show what the audit found. Whether these outputs may be stored: with severe findings, once that was ticked."""
    st.subheader("Audit", anchor=False)
    if not audit.findings:
        line("Nothing was found that honest outputs do not have.")
    for finding in audit.findings:
        line(f"{finding_line(finding)}: {audit.rules[finding.rule]}")
    with_spans = [finding for finding in audit.findings if finding.evidence]
    if with_spans:
        with st.expander("Where", expanded=bool(audit.severe)):
            for finding in with_spans:
                line(f"{finding.severity}: {one_line(finding.rule)}")
                evidence = (diff.highlighted(asdict(where)) for where in finding.evidence)
                markup("".join(evidence), height=_EVIDENCE_PX)
    if not audit.severe:
        return True
    st.warning("Severe: as far as these outputs go, a ranking says nothing about this model.")
    return st.checkbox("Store them all the same; leaderboards will mark the model", key="accept_findings")


def _store(prepared: Prepared, *, accepted: bool) -> None:
    auth.need(Role.SUBMITTER)
    report = prepared.report
    others = [model for summary in _benchmarks() if summary.name == report.benchmark for model in summary.models]
    with cached.for_storing() as database:
        stored = services.submissions.save(database, prepared, accept_findings=accepted)
    st.success("Stored.")
    line(f"{stored.new:,} outputs are new; {stored.known:,} were stored already.")
    line("This command judges them; any other judge will do as well, see judgebench run --help.")
    others = [model for model in others if model != report.model]
    st.code(commands.judge_model(cached.address(), report.benchmark, report.model, others), language=None)


def _submit() -> None:
    upload = st.file_uploader(
        "A model's outputs: AlpacaEval JSON, JSONL, CSV or parquet, plain or .gz",
        type=list(uploads.FORMS),
        key="upload",
    )
    if upload is None:
        line("Each row holds an instruction and the model's output to it. Nothing is stored before you confirm.")
        return
    columns = _columns(_preview(upload))
    submission = _read(upload.file_id, columns, upload)
    line(f"{len(submission.outputs):,} outputs read.")
    aim = _aim(submission)
    if aim is None:
        line("Name the benchmark and the model to see how they match.")
        return
    benchmark, model, lineage, extend, new = aim
    with cached.for_checking() as database:
        prepared = services.submissions.prepare(
            database, submission, benchmark=benchmark, model=model, lineage=lineage, extend=extend, new_benchmark=new
        )
    _report(prepared.report)
    known = next(((row.instructions, row.models) for row in _benchmarks() if row.name == benchmark), None)
    audit = _audited((upload.file_id, columns, aim, known), prepared)
    accepted = audit is None or _findings(audit)
    if st.button("Store these outputs", icon=":material/save:", disabled=not accepted):
        _store(replace(prepared, report=replace(prepared.report, audit=audit)), accepted=accepted)


st.title("Submit", anchor=False)
try:
    _submit()
except JudgeBenchError as error:
    problem("This cannot be submitted as it is. Nothing was stored.", error)
