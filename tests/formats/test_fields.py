"""Which column holds what: usual names, chosen names, and what a cell may be."""

from typing import Any

import pytest

from judgebench.errors import InputError, UnknownName
from judgebench.formats import Sample
from judgebench.formats.fields import USUAL_NAMES, Columns, holds_more, holds_sides, optional_texts, read_label
from judgebench.formats.reading import FileRow, Place


def row(**values: Any) -> FileRow:
    return FileRow(Place("a.json", "row", 1), values)


def sample(**values: Any) -> Sample:
    return Sample(".json", (values,), tuple(values))


def test_the_first_usual_name_counts_and_a_chosen_one_before_it() -> None:
    values = row(Prompt="no", instruction="yes", frage="chosen")
    assert Columns({}).find("instruction", values) == "instruction"
    chosen = Columns({"instruction": "frage"})
    assert (chosen.find("instruction", values), chosen.used) == ("frage", {"instruction": "frage"})
    assert Columns({}).find("output", values) is None


def test_fields_and_columns_that_are_none_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'instruction'"):
        Columns({"instrction": "frage"})
    columns = Columns({"instruction": "frgae"})
    with pytest.raises(UnknownName, match="did you mean 'frage'"):
        columns.require("instruction", row(frage="x"))
    with pytest.raises(UnknownName, match="did you mean 'frage'"):
        columns.check_chosen("a.json")
    with pytest.raises(InputError, match="--map output=COLUMN"):
        Columns({}).require("output", row(x=1))


@pytest.mark.parametrize(("value", "label"), [(5, "5"), (" x ", "x"), ("", None), (None, None)])
def test_a_label_is_text_or_absent(value: Any, label: str | None) -> None:
    assert read_label(row(id=value), "id", Columns({})) == label


def test_texts_that_may_be_absent() -> None:
    assert optional_texts(row(reference=["r", {"content": "s"}]), "reference", Columns({})) == ("r", "s")
    assert optional_texts(row(reference=""), "reference", Columns({})) == ()
    with pytest.raises(InputError, match="'reference': expected text, found a number"):
        optional_texts(row(reference=[1]), "reference", Columns({}))


def test_what_a_sample_holds() -> None:
    assert holds_sides(sample(response_a="x", response_b="y"))
    assert holds_sides(sample(model_1="x", model_2="y"))
    assert not holds_sides(sample(response_a="x", model_b="y"))
    assert holds_more(sample(instruction="q", completions=[{"text": "a"}]))
    assert not holds_more(sample(turns=["q"], checklist=["c?"], cluster="x"))
    assert {"instruction", "output"} <= USUAL_NAMES.keys()
