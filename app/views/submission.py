"""One file of a model's outputs: its first rows, which columns are meant, how it matches, and what the audit found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import cached, uploads
from app.views import diff, elements
from app.views.elements import line, markup
from judgebench import services
from judgebench.services.pages import AuditReport, Evidence, Finding, Instruction, Lineage, OutputsFile
from judgebench.services.submissions import MatchReport, Prepared
from judgebench.show.seen import BesideOutputs
from judgebench.show.sentences import meets_model, messages_held
from judgebench.show.tables import finding_line
from judgebench.show.text import are, count, listing, one_line, sentence

_EVIDENCE_PX = 130
_NAME_CHARS = 200
_WORDS_CHARS = 80
_FIELDS = {"instruction": "Instruction", "output": "Output", "category": "Category", "reference": "Reference"}


@dataclass(frozen=True, slots=True)
class Aim:
    """Where outputs are to go."""

    benchmark: str
    is_new: bool  # nobody has submitted to it yet
    extend: bool  # add the instructions that it lacks


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that may be stored, once it is accepted."""

    prepared: Prepared
    accepted: bool  # nothing severe was found, or it was ticked


def ready(upload: UploadedFile, preview: uploads.Preview, aim: Aim | None, *, alone: bool) -> Ready | None:
    """Show all that must be known before the file is stored; None where its model or benchmark has no name yet.

    ``alone``: it is the only file, so that what is usual is not folded. Raises InputError.
    """
    columns = _columns(preview, upload.file_id)
    with cached.for_checking() as database:
        version = services.benchmarks.version(database)
    submission = _read(upload.file_id, columns, None if aim is None else aim.benchmark, version, upload)
    line(f"{count(len(submission.outputs), 'output')} read.")
    if aim is None:
        line("Name the benchmark to see how it matches.")
        return None
    usual = one_line(submission.generator or "", _NAME_CHARS) or uploads.model_of(upload.name)
    model = st.text_input("Model", value=usual, key=f"model_{upload.file_id}", max_chars=_NAME_CHARS).strip()
    if not model:
        line("Name the model to see how its outputs match.")
        return None
    lineage = _lineage(upload.file_id)
    with cached.for_checking() as database:
        prepared = services.submissions.prepare(
            *(database, submission),
            benchmark=aim.benchmark,
            model=model,
            lineage=lineage,
            extend=aim.extend,
            new_benchmark=aim.is_new,
        )
    _report(prepared.report, expanded=alone)
    audit = _audited((upload.file_id, columns, aim, model, lineage, version), prepared)
    accepted = audit is None or _findings(audit, upload.file_id, submission, (aim.benchmark, model))
    return Ready(replace(prepared, report=replace(prepared.report, audit=audit)), accepted)


def new_findings(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """Those ``after`` that are about another model or rule, or are more severe: numbers move with what is beside."""
    known = {(finding.model, finding.rule, finding.severity) for finding in before}
    return [finding for finding in after if (finding.model, finding.rule, finding.severity) not in known]


def first_rows(preview: uploads.Preview, *, expanded: bool) -> None:
    if preview.columns:
        with st.expander("First rows", expanded=expanded):
            columns = {column: [row[column] for row in preview.rows] for column in preview.columns}
            elements.values(columns, alt="First rows")


def _columns(preview: uploads.Preview, key: str) -> dict[str, str]:
    """The columns that the user named, by field; the others are found by their usual names."""
    chosen = {}
    with st.expander("Columns", expanded=not preview.self_evident):
        line(
            "Columns with usual names are found by themselves. Choose here where they are not, or write a path into "
            "one: choices.0.turns, messages[-1].content."
        )
        for place, (field, label) in zip(st.columns(len(_FIELDS)), _FIELDS.items(), strict=True):
            with place:
                column = st.selectbox(
                    label,
                    preview.columns,
                    index=None,
                    placeholder="By its name",
                    key=f"column_{field}_{key}",
                    accept_new_options=True,
                    format_func=one_line,
                )
            if column is not None:
                chosen[field] = column
    return chosen


@st.cache_data(max_entries=8, scope="session", show_spinner="Reading the file")
def _read(
    file_id: str, columns: Mapping[str, str], benchmark: str | None, version: tuple[int, ...], _upload: UploadedFile
) -> OutputsFile:
    """``version``: of the database, whose instructions rows may name by their ids."""
    with cached.for_checking() as database, uploads.kept(_upload.name, _upload.getvalue()) as path:
        return uploads.read(path, columns, services.known.of(database, benchmark))


def _lineage(key: str) -> Lineage:
    with st.expander("Lineage"):
        line("Where the model comes from. It lets a judge's preference for its relatives be measured.")
        family, parent, trained = st.columns(3)
        given = (
            family.text_input("Family", placeholder="llama-3", max_chars=_NAME_CHARS, key=f"family_{key}"),
            parent.text_input("Tuned from", max_chars=_NAME_CHARS, key=f"parent_{key}"),
        )
        sources = trained.text_input("Trained on outputs of", placeholder="names, by commas", key=f"trained_{key}")
    named = tuple(part.strip() for part in sources.split(",") if part.strip())
    origin, parent_name = (text.strip() or None for text in given)
    return Lineage(origin, parent_name, named)


def _report(report: MatchReport, *, expanded: bool) -> None:
    counts = {
        "Matched": report.matched,
        "New": report.new,
        "Missing": report.missing,
        "Duplicate": report.duplicate,
        "Empty": report.empty,
    }
    if expanded:
        for place, (label, number) in zip(st.columns(len(counts)), counts.items(), strict=True):
            place.metric(label, f"{number:,}", border=True)
    else:
        line(", ".join(f"{label.lower()} {number:,}" for label, number in counts.items()))
    for words in report_sentences(report):
        line(words)


def report_sentences(report: MatchReport) -> list[str]:
    """What of a match its counts do not say."""
    lines = []
    if report.creates_benchmark:
        lines.append(
            f"This creates the benchmark {one_line(report.benchmark)} with {count(report.new, 'instruction')}."
        )
    elif report.new and report.takes_new:
        lines.append(f"{count(report.new, 'new instruction')} {are(report.new)} added to the benchmark.")
    elif report.new:
        lines.append(
            f"Left out, as the benchmark does not have their instructions: {count(report.new, 'row')} of the file."
        )
    more = (*meets_model(report), *messages_held(report.messages))
    lines += [f"{sentence(words)}." for words in more]
    if report.missing:
        lines.append(
            f"Without an output here: {count(report.missing, 'instruction')} of the benchmark, "
            "on which the model meets nobody."
        )
    return lines


def marked_sentences(flagged: Sequence[str]) -> list[str]:
    """What became of models that were stored in spite of severe findings; none where there are none."""
    if not flagged:
        return []
    are, they = ("is", "it gets") if len(flagged) == 1 else ("are", "they get")
    return [
        f"{listing(flagged)} {are} marked: red on leaderboards, without a rank. Judging costs as much as ever, and "
        f"{they} no rank by it, so {are} not chosen below."
    ]


@st.cache_data(max_entries=8, scope="session", show_spinner="Auditing the outputs")
def _audited(told_apart_by: tuple[object, ...], _prepared: Prepared) -> AuditReport | None:
    with cached.for_checking() as database:
        return services.submissions.with_audit(database, _prepared).report.audit


def _findings(audit: AuditReport, key: str, submission: OutputsFile, whose: tuple[str, str]) -> bool:
    """Show what the audit found. Whether these outputs may be stored: with severe findings, once that was ticked.

    ``whose``: the names of the benchmark and of the model.
    """
    if not audit.findings:
        line("Audit: nothing was found that honest outputs do not have.")
        return True
    st.subheader("Audit", anchor=False)
    for finding in audit.findings:
        line(f"{finding_line(finding)}: {audit.rules[finding.rule]}")
    with_spans = [finding for finding in audit.findings if finding.evidence]
    if with_spans:
        with cached.for_checking() as database:
            beside = BesideOutputs(*services.seen.of_file(database, *whose, submission, with_spans))
        with st.expander("Where", expanded=bool(audit.severe)):
            for finding in with_spans:
                line(f"{finding.severity}: {one_line(finding.rule)}")
                evidence = (
                    diff.highlighted(asdict(span), _first_words(span, submission.instructions))
                    + beside.markup(span.instruction, whose[1])
                    for span in finding.evidence
                )
                markup("".join(evidence), height=_EVIDENCE_PX if len(finding.evidence) > 1 else "content")
    if not audit.severe:
        return True
    st.warning("High: as far as these outputs go, a ranking says nothing about this model.")
    return st.checkbox("Store them all the same; leaderboards will mark the model", key=f"accept_{key}")


def _first_words(span: Evidence, instructions: Mapping[str, Instruction]) -> str:
    """Of the instruction; its key where the file does not hold it."""
    known = instructions.get(span.instruction)
    return span.instruction if known is None else one_line(known.brief, _WORDS_CHARS)
