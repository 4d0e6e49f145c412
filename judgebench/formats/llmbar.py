"""LLMBar: two outputs to an instruction, and which of them follows it. Source: princeton-nlp/LLMBar, dataset.json."""

from judgebench.formats import Format
from judgebench.formats.documents import file_rows
from judgebench.formats.human_labels import LabelFile
from judgebench.formats.pairs import FIRST, SECOND, PairReader, subset_of_path
from judgebench.formats.reading import Filename, ReadLimits

_COLUMNS = ("input", "output_1", "output_2", "label")
_BETTER = {"1": FIRST, "2": SECOND}


def read_llmbar(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """The pairs, of which ``label`` names the better one; the path tells their subset. Raises InputError naming file,
    row and field."""
    pairs = PairReader(filename, "llmbar", limits=limits)
    subset = subset_of_path(filename, "llmbar")
    for row in file_rows(filename, limits=limits):
        pairs.note(row)
        instruction = pairs.instruction(row, row.text("input"))
        first, second = (
            pairs.side(None, pairs.text(row, column, row.values.get(column), instruction), column)
            for column in ("output_1", "output_2")
        )
        label = str(row.values.get("label")).removesuffix(".0")
        if label not in _BETTER:
            raise row.error("label", f"expected 1 or 2, the better output's number, found {label[:40]!r}")
        pairs.add(row, instruction, first, second, _BETTER[label], subset=subset)
    used = {"instruction": "input", "output_a": "output_1", "output_b": "output_2", "label": "label"}
    return pairs.file(used, _COLUMNS)


LLMBAR = Format(
    name="llmbar",
    holds="labels",
    help="LLMBar: input, output_1, output_2, and the number of the one that follows the instruction.",
    recognises=lambda sample: set(sample.columns) == set(_COLUMNS),
    read=read_llmbar,
    benchmark="llmbar",
)
