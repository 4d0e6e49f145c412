"""Files of any format that the program knows, imported by a button."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import auth, cached, uploads
from app.views.elements import line, problem
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.imports import ImportOptions, ImportReport
from judgebench.services.pages import InputError, JudgeBenchError
from judgebench.show.imported import imported_words
from judgebench.show.tables import finding_line
from judgebench.show.text import count, one_line

_OUTPUTS = "outputs"
_WITHOUT_BENCHMARK = ("lineage", "judges")
_NAMES_ITS_MODELS = {"generator", "model", "model_id"}  # columns
_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Import:
    """How an uploaded file is to be imported."""

    format: str
    benchmark: str | None  # None: the format's own, or it needs none
    model: str | None  # whose outputs these are; None: as the file says
    extend: bool  # add what the benchmark lacks


def files(*, usual: str = "") -> bool:
    """An uploader, and a button that imports what was uploaded; ``usual``: the benchmark where a format has none.

    Returns whether something was imported just now.
    """
    label = "Files of outputs, verdicts, labels, instructions or lineage, in any format that is known"
    uploaded = st.file_uploader(label, type=list(uploads.FORMS), accept_multiple_files=True, key="import_files")
    chosen: list[tuple[UploadedFile, Import]] = []
    for upload in uploaded:
        with st.container(border=True):
            line(one_line(upload.name, _NAME_CHARS))
            try:
                with uploads.kept(upload.name, upload.getvalue()) as path:
                    preview = uploads.preview(path)
            except InputError as error:
                problem("This cannot be read.", error)
            else:
                chosen.append((upload, _chosen(upload, preview, preview.others or {_OUTPUTS: _OUTPUTS}, usual, True)))
    return _button(chosen, key="import_all") if chosen else False


def offer(upload: UploadedFile, preview: uploads.Preview, *, usual: str) -> bool:
    """A button that imports a file that is something else than outputs; ``usual``: as of ``files``. Returns whether it
    was imported just now.

    An import stores what was published, a cheat too, and marks what its audit finds: so it is for admins.
    """
    if auth.person().role < Role.ADMIN:
        line("Importing it is for admins of this app: send them the file, or ask for the role.")
        return False
    chosen = _chosen(upload, preview, preview.others, usual, False)
    return _button([(upload, chosen)], key=f"import_{upload.file_id}")


def _button(chosen: Sequence[tuple[UploadedFile, Import]], *, key: str) -> bool:
    label = "Import it" if len(chosen) == 1 else f"Import {count(len(chosen), 'file')}"
    if not st.button(label, icon=":material/database_upload:", type="primary", key=key):
        return False
    imported = False
    for upload, how in services.imports.in_order(chosen, lambda pair: services.imports.format_of("", pair[1].format)):
        try:
            with st.spinner("Importing"):
                report = store(upload, how)
        except JudgeBenchError as error:
            problem("This cannot be imported as it is. Nothing of it was stored.", error)
        else:
            _say(report)
            imported = True
    return imported


def _chosen(
    upload: UploadedFile, preview: uploads.Preview, formats: Mapping[str, str], usual: str, extend: bool
) -> Import:
    """By widgets. ``formats``: by name, and what they hold; ``extend``: as is usual."""
    key, names = upload.file_id, list(formats)
    format = names[0]
    if len(names) > 1:
        words = {name: f"{held} ({name})" for name, held in formats.items()}
        format = st.selectbox("Read it as", names, key=f"as_{key}", format_func=words.__getitem__)
    if formats[format] in _WITHOUT_BENCHMARK:
        return Import(format, None, None, extend=False)
    benchmark, model = st.columns(2)
    into = benchmark.text_input(
        *("Into benchmark", services.imports.format_of("", format).benchmark or usual),
        key=f"import_into_{key}",
        max_chars=_NAME_CHARS,
    )
    named = ""
    if formats[format] == _OUTPUTS:
        own = "" if _NAMES_ITS_MODELS & {*preview.columns} else uploads.model_of(upload.name)
        label, hint = "Model", "As the file says"
        named = model.text_input(label, own, key=f"import_model_{key}", placeholder=hint, max_chars=_NAME_CHARS)
    adds = st.checkbox(
        "Add instructions and outputs that the benchmark lacks", value=extend, key=f"import_extend_{key}"
    )
    return Import(format, into.strip() or None, named.strip() or None, adds)


def store(upload: UploadedFile, chosen: Import) -> ImportReport:
    """Import the file, and audit whose outputs it brought. Raises Forbidden, and InputError; then nothing is stored."""
    auth.need(Role.ADMIN)
    benchmark = chosen.benchmark or services.imports.format_of("", chosen.format).benchmark
    if benchmark is None and services.imports.format_of("", chosen.format).holds not in _WITHOUT_BENCHMARK:
        raise InputError("say into which benchmark")
    with cached.for_checking() as database, uploads.kept(upload.name, upload.getvalue()) as path:
        known = services.known.of(database, benchmark)
        file = services.imports.read(path, as_format=chosen.format, limits=uploads.LIMITS, known=known)
    options = ImportOptions(chosen.model, extend=chosen.extend)
    with cached.for_storing() as database:
        return services.imports.save(database, file, benchmark=benchmark, options=options)


def _say(report: ImportReport) -> None:
    st.success("Imported.")
    line(one_line(imported_words(report), 2000))
    for finding in () if report.audit is None else report.audit.findings:
        line(finding_line(finding))
