"""MJ-Bench: two images made of a caption, and which of them is preferred.

The images are the outputs; they are kept where the file holds their bytes. Source: MJ-Bench/MJ-Bench, its parquet
files.
"""

from judgebench.formats import Format, Sample
from judgebench.formats.documents import file_rows
from judgebench.formats.held_images import ADDRESSES, image_part
from judgebench.formats.human_labels import LabelFile, Side
from judgebench.formats.pairs import FIRST, SECOND, PairReader, named, subset_of_path
from judgebench.formats.reading import Filename, FileRow, ReadLimits

_PAIRS = (("image0", "image1"), ("image_0", "image_1"))
_READ = ("id", "caption", "label", "info", *(column for pair in _PAIRS for column in pair))
_BETTER = {"0": FIRST, "1": SECOND}


def read_mj_bench(filename: Filename, *, limits: ReadLimits | None = None) -> LabelFile:
    """The pairs, of which ``label`` numbers the preferred image from 0; the path tells their perspective. Raises
    InputError naming file, row and field."""
    pairs, addresses = PairReader(filename, "mj-bench", limits=limits), 0
    subset = subset_of_path(filename, "mj-bench")
    for row in file_rows(filename, limits=limits):
        pairs.note(row)
        category = named(row, "info") if isinstance(row.values.get("info"), str) else None
        about = {"category": category, "id": named(row, "id")}
        instruction = pairs.instruction(row, row.text("caption"), about)
        sides: list[Side] = []
        for column in _columns(row):
            part, is_held = image_part(row, column, row.values[column])
            addresses += not is_held
            message = [{"role": "assistant", "content": [part]}]
            sides.append(pairs.side(None, pairs.output(row, "output", message, instruction), column))
        label = str(row.values.get("label")).removesuffix(".0")
        if label not in _BETTER:
            raise row.error("label", f"expected 0 or 1, the preferred image's number, found {label[:40]!r}")
        pairs.add(row, instruction, sides[0], sides[1], _BETTER[label], subset=subset)
    used = {"instruction": "caption", "label": "label", "category": "info"}
    return pairs.file(used, _READ, {ADDRESSES: addresses})


def _columns(row: FileRow) -> tuple[str, str]:
    return next(pair for pair in _PAIRS if pair[0] in row.values)


def _is_mj_bench(sample: Sample) -> bool:
    return sample.holds("caption", "label") and any(sample.holds(*pair) for pair in _PAIRS) and _are_rows(sample)


def _are_rows(sample: Sample) -> bool:
    return all(any(column in row for pair in _PAIRS for column in pair) for row in sample.rows)


MJ_BENCH = Format(
    name="mj-bench",
    holds="labels",
    help="MJ-Bench: a caption, two images made of it, and the number of the preferred one.",
    recognises=_is_mj_bench,
    read=read_mj_bench,
    benchmark="mj-bench",
)
