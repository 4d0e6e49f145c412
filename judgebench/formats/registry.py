"""The table of formats: what each file holds, how it is recognised, read and written.

A further format is a module of its own and one entry here; the command line, Python, the app and docs/formats.md read
this table.
"""

from collections.abc import Mapping

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Format, Sample
from judgebench.formats.alpaca_eval import ALPACA_EVAL
from judgebench.formats.documents import read_sample
from judgebench.formats.form_files import FORM_FORMATS
from judgebench.formats.human_labels import LABELS, LabelFile
from judgebench.formats.lineage_file import LINEAGE, LineageFile
from judgebench.formats.outputs import INSTRUCTIONS, OUTPUTS, InstructionsFile, OutputsFile
from judgebench.formats.reading import Filename, ReadLimits
from judgebench.formats.scalerlab import SCALERLAB
from judgebench.formats.verdicts import VERDICTS, VerdictsFile
from judgebench.formats.writing import BATTLES, LEADERBOARD

Contents = InstructionsFile | OutputsFile | VerdictsFile | LabelFile | LineageFile
FORMATS: tuple[Format, ...] = (
    INSTRUCTIONS,
    OUTPUTS,
    VERDICTS,
    ALPACA_EVAL,
    SCALERLAB,
    LABELS,
    LINEAGE,
    *FORM_FORMATS,
    BATTLES,
    LEADERBOARD,
)
_MOST_COLUMNS = 20  # in a message


def readable() -> dict[str, Format]:
    """The formats that are read, by name."""
    return {format.name: format for format in FORMATS if format.read is not None}


def writable() -> dict[str, Format]:
    """The formats that are written, by name."""
    return {format.name: format for format in FORMATS if format.is_written}


def candidates(sample: Sample) -> list[Format]:
    """The formats that recognise the file; those that go by usual names of columns only where no other does. A file of
    one that is only written is of that one."""
    if written := [format for format in FORMATS if format.read is None and sample.holds(*format.columns)]:
        return written
    matches = [format for format in readable().values() if format.recognises is not None and format.recognises(sample)]
    return [format for format in matches if not format.general] or matches


def recognise(filename: Filename, *, limits: ReadLimits | None = None) -> Format:
    """The format of a file, by its name and its first rows.

    Raises InputError, with the candidates, where none or several recognise it.
    """
    sample = read_sample(filename, limits=limits)
    matches = candidates(sample)
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(format.name for format in matches or readable().values())
    if matches:
        raise InputError(f"{filename}: may be {names}: say which by --as, in Python by as_format")
    columns = ", ".join(sample.columns[:_MOST_COLUMNS]) or "none"
    how = "say by --as, in Python by as_format, which it is"
    raise InputError(f"{filename}: not recognised (its columns: {columns}); {how}: {names}")


def read(
    filename: Filename, format: Format, *, columns: Mapping[str, str] | None = None, limits: ReadLimits | None = None
) -> Contents:
    """What a file of this format holds. Raises InputError naming file, row and field."""
    if format.read is None:
        raise InputError(f"{filename}: is an export of {format.holds}, which is not read back")
    if columns and not format.maps:
        raise InputError(f"{filename}: columns of {format.name} have fixed names: leave --map, in Python columns")
    contents: Contents = format.read(filename, limits=limits, **({"columns": columns} if format.maps else {}))
    return contents


def named(name: str) -> Format:
    """Raises UnknownName."""
    formats = {format.name: format for format in FORMATS}
    if name not in formats:
        raise UnknownName("format", name, readable())
    return formats[name]
