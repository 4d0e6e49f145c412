"""From files to places on the board: upload, read what matched and what the audit found, store, have them judged."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import auth, cached, filters, uploads
from app.views import importing, placing, submission
from app.views.elements import line, problem, unavailable
from judgebench import services
from judgebench.services.access import Forbidden, Role, check_change
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.pages import DatabaseBusy, InputError, JudgeBenchError
from judgebench.show.glossary import explained
from judgebench.show.tables import finding_line
from judgebench.show.text import are, count, listing, one_line, were

_EXTEND = "Add instructions that the benchmark lacks to it"
_STORED, _ROUND = (
    "submit_stored",
    "submit_round",
)  # in the session: models stored last that are not flagged, and what is said of them and of others; how often
_AS_THAT, _OUTPUTS = "Import it as that", "A model's outputs"


def _benchmarks() -> list[BenchmarkSummary]:
    """None where there is no database yet: the first submission creates it. Raises DatabaseBusy where it is away: what
    would be a new benchmark then, nobody knows."""
    try:
        return cached.benchmarks(cached.source())
    except DatabaseBusy:
        raise
    except JudgeBenchError:
        return []


def _rights() -> None:
    """What somebody may not do here, before they put work in."""
    if auth.person().role < Role.ADMIN:
        line(
            "You may submit outputs. Having them judged costs money, so an admin of this app starts it: once they are "
            "stored, this page has the link to send. For admins, too: files of verdicts, labels and the like, adding "
            "outputs or a lineage to a model that exists already, and instructions to a benchmark that does."
        )


def _uploaded() -> list[UploadedFile]:
    files = st.file_uploader(
        "Models' outputs, a file a model",
        type=list(uploads.FORMS),
        accept_multiple_files=True,
        key=f"upload_{st.session_state.get(_ROUND, 0)}",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        line("Each row holds an instruction and the model's output to it. Nothing is stored before you confirm.")
        for form, text in (("CSV", uploads.template_csv()), ("JSONL", uploads.template_jsonl())):
            name = f"outputs.{form.lower()}"
            st.download_button(f"Template, {form}", text, name, icon=":material/download:", on_click="ignore")
    return files


def _aim() -> submission.Aim | None:
    summaries = _benchmarks()
    known = [summary.name for summary in summaries]
    benchmark = st.selectbox(
        "Benchmark",
        known,
        index=known.index(services.benchmarks.usual(summaries).name) if known else None,
        key="into",
        accept_new_options=True,
        format_func=one_line,
        placeholder="Choose, or write a new name",
        help=explained("Benchmark"),
    )
    may_extend = auth.person().role >= Role.ADMIN
    extend = may_extend and st.toggle(_EXTEND, key="extend", help=explained(_EXTEND))
    return submission.Aim(benchmark, benchmark not in known, extend) if benchmark else None


def _file(upload: UploadedFile, aim: submission.Aim | None, *, alone: bool) -> submission.Ready | None:
    """Show one file; None where it is not to be stored as outputs, or not yet."""
    with uploads.kept(upload.name, upload.getvalue()) as path:
        preview = uploads.preview(path)
    submission.first_rows(preview, expanded=alone)
    if preview.others:
        held = listing([f"{held} ({name})" for name, held in preview.others.items()])
        line(f"This file holds {held}.")
        # A file with a column of outputs under an unusual name looks like instructions alone.
        usual = _OUTPUTS if {*preview.others.values()} == {"instructions"} else _AS_THAT
        read_as, key = [_AS_THAT, _OUTPUTS], f"do_{upload.file_id}"
        if st.segmented_control("Read it", read_as, default=usual, required=True, key=key) != _OUTPUTS:
            if importing.offer(upload, preview, usual="" if aim is None else aim.benchmark):
                line("What was imported is on the leaderboard and the other pages now.")
            return None
    return submission.ready(upload, preview, aim, alone=alone)


def _files(files: list[UploadedFile], aim: submission.Aim | None) -> list[submission.Ready]:
    """Those that may be stored; what is wrong with one does not keep the others."""
    ready: list[submission.Ready] = []
    for upload in files:
        with st.container(border=True, key=f"file_{upload.file_id}"):
            line(one_line(upload.name, 200))
            try:
                file = _file(upload, aim, alone=len(files) == 1)
                name = None if file is None else file.prepared.model.name
                if name in {other.prepared.model.name for other in ready}:
                    raise InputError(f"another file here is of model {name!r} too: a model has one file")
                if file is not None:
                    check_change(file.prepared.report, auth.person())
            except JudgeBenchError as error:
                problem("This cannot be submitted as it is. Nothing was stored.", error)
            else:
                ready += [] if file is None else [file]
    return ready


def _store(ready: list[submission.Ready]) -> None:
    prepared = [file.prepared for file in ready]
    person = auth.need(Role.SUBMITTER)
    for one in prepared:
        check_change(one.report, person)
    benchmark, models = prepared[0].report.benchmark, [one.model.name for one in prepared]
    with cached.for_storing() as database:
        stored = services.submissions.save(
            database,
            *prepared,
            accept_findings=all(file.accepted for file in ready),
            change_existing=person.role >= Role.ADMIN,
        )
        together = len(models) > 1 and services.audits.submissions.audit_stored(database, benchmark, models)
        flagged = services.audits.results.flagged(database, benchmark, models)
    before = [finding for one in prepared if one.report.audit is not None for finding in one.report.audit.findings]
    beside = submission.new_findings(before, together.findings if together else ())
    sentences = [
        f"{listing(models)}: {count(stored.new, 'output')} {are(stored.new)} new; "
        f"{stored.known:,} {were(stored.known)} stored already.",
        *(f"Beside each other: {finding_line(finding)}" for finding in beside),
    ]
    honest = [name for name in models if name not in flagged]
    st.session_state[_STORED] = honest, sentences, submission.marked_sentences(flagged)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1  # the files go, so that the next step is in sight
    placing.remember(benchmark, honest)
    st.rerun()


def _say_stored() -> None:
    """What was just stored, above the step that follows it, for as long as that is about these models, or about none
    where all were flagged."""
    honest, sentences, marked = st.session_state.get(_STORED, ([], [], []))
    if sentences and honest == placing.remembered():
        st.success("Stored.")
        for sentence in sentences:
            line(sentence)
        if marked:
            st.warning("Marked by severe findings.")
        for sentence in marked:
            line(sentence)


def _submit() -> None:
    files = _uploaded()
    if not files:
        _say_stored()
        return
    aim = _aim()
    ready = _files(files, aim)
    if not ready:
        return
    accepted = all(file.accepted for file in ready)
    label = "Store these outputs" if len(ready) == 1 else f"Store the outputs of {count(len(ready), 'model')}"
    if st.button(label, icon=":material/save:", disabled=not accepted, type="primary"):
        _store(ready)


st.title("Submit", anchor=False)
try:
    auth.need(Role.SUBMITTER)  # before a file is asked for, let alone read
    _rights()
    _submit()
    if _benchmarks():
        placing.section(cached.source())
except Forbidden as error:
    unavailable("You may read here, but not submit: an admin of this app gives roles.", error, ("Your role", "team"))
except DatabaseBusy as error:
    filters.unreadable(error)
except JudgeBenchError as error:
    problem("This cannot be done as it is. Nothing was stored.", error)
