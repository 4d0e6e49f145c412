"""Lineage files: one row a model, with the columns ``model``, ``family``, ``parent`` and ``trained_on``.

``trained_on`` is a list of names, or in CSV names separated by ``;``. An empty cell is not declared. In the files that
we write a model without a lineage has a row too.
"""

from dataclasses import dataclass
from typing import Any

from judgebench.formats import Format
from judgebench.formats.delimited import restored_cells
from judgebench.formats.documents import file_rows
from judgebench.formats.reading import Filename, FileRow, ReadLimits
from judgebench.records import Lineage, Model

_COLUMNS = ("model", "family", "parent", "trained_on")


@dataclass(frozen=True, slots=True)
class LineageFile:
    """Declared lineages, one a model."""

    file: str
    models: tuple[Model, ...]  # at least one


def read_lineage(filename: Filename, *, limits: ReadLimits | None = None) -> LineageFile:
    """The lineages in a file. Raises InputError naming file, row and field."""
    models: dict[str, Model] = {}
    for row in map(restored_cells, file_rows(filename, limits=limits)):
        unknown = sorted(set(row.values) - set(_COLUMNS))
        if unknown:
            raise row.error(unknown[0], f"is no column of a lineage file: these are {', '.join(_COLUMNS)}")
        name = _text(row, "model")
        if name is None:
            raise row.error("model", "is missing")
        if name in models:
            raise row.error("model", f"{name!r} is declared twice")
        models[name] = Model(name, Lineage(_text(row, "family"), _text(row, "parent"), _names(row)))
    return LineageFile(str(filename), tuple(models.values()))


def _text(row: FileRow, column: str) -> str | None:
    value = row.values.get(column)
    return None if value is None else row.as_text(column, value).strip() or None


def _names(row: FileRow) -> tuple[str, ...]:
    value = row.values.get("trained_on")
    if value is None:
        return ()
    given = value if isinstance(value, list) else row.as_text("trained_on", value).split(";")
    return tuple(name for name in (row.as_text("trained_on", item).strip() for item in given) if name)


def lineage_row(model: Model) -> dict[str, Any]:
    """As ``read_lineage`` reads it."""
    declared = model.lineage
    return {
        "model": model.name,
        "family": declared.family,
        "parent": declared.parent,
        "trained_on": list(declared.trained_on),
    }


LINEAGE = Format(
    name="lineage",
    holds="lineage",
    help="Where models come from: model, family, parent, trained_on.",
    recognises=lambda sample: set(sample.columns).issubset(_COLUMNS) and "model" in sample.columns != ("model",),
    read=read_lineage,
    columns={**dict.fromkeys(("model", "family", "parent"), "text"), "trained_on": "texts"},
    row=lineage_row,
)
