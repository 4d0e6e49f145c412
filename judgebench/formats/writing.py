"""Write rows: as JSON, JSONL, CSV or parquet, whole or not at all, equal rows as equal bytes.

A text that starts with ``= + - @``, a tab or a line break is a formula to a spreadsheet, and a model's output or name
can start with one. In CSV such cells get an apostrophe in front, as OWASP's "CSV injection" advises; numbers stay
numbers. A list is a JSON list in its cell. ``restored_cell`` undoes both in files that start with ``KEY_COLUMN``.
"""

import csv
import gzip
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import IO, Any, TextIO

from judgebench.errors import InputError, MissingExtra
from judgebench.formats import ColumnType, Format
from judgebench.keys import clean_text
from judgebench.leaderboard.board import DATA_COLUMNS
from judgebench.records import Instruction, Output

KEY_COLUMN = "instruction_key"  # the first column of the files that we write and read back
IDS_COLUMN = "ids"  # that lists what others call an instruction
GOALS_COLUMN = "declared_goals"  # that lists what the user wanted
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LIST_OF_ONE = "[ "
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROW_GROUP = 1000  # rows of a parquet file that are in memory at a time
Columns = Mapping[str, ColumnType]
Values = Mapping[str, Any]
INSTRUCTION_COLUMNS: Mapping[str, ColumnType] = {
    **{KEY_COLUMN: "text", "instruction": "replies", "messages": "messages"},
    **{"category": "text", "reference": "text", "checklist": "texts", GOALS_COLUMN: "texts", IDS_COLUMN: "texts"},
}
_Writer = Callable[[IO[bytes], Columns, Iterable[Values], bool, Mapping[str, str]], None]
BATTLES = Format(
    name="battles",
    holds="battles",
    help="Battles with the mean preference of their verdicts; all that was asked beside the user's text in brackets.",
    columns={
        **dict.fromkeys((KEY_COLUMN, "instruction", "category", "model_a", "model_b"), "text"),
        **dict.fromkeys(("preference", "lowest", "highest"), "number"),
        **{"trials": "integer", "with_preference": "integer", "consistent": "flag"},
    },
)
_WHOLE = ("rank", "rank_lower", "rank_upper", "tier", "battles", "ties", "outputs", "instructions")
LEADERBOARD = Format(
    name="leaderboard",
    holds="leaderboard",
    help="A leaderboard, one row a model; coverage says as JSON what it counts and leaves out.",
    columns={
        **dict.fromkeys(DATA_COLUMNS, "number"),
        **dict.fromkeys(_WHOLE, "integer"),
        **dict.fromkeys(("model", "flag", "coverage"), "text"),
    },
)


def instruction_values(instruction: Instruction) -> dict[str, Any]:
    """What INSTRUCTION_COLUMNS hold about it."""
    return {
        KEY_COLUMN: instruction.key,
        "instruction": list(instruction.turns),
        "messages": instruction.full,
        "category": instruction.category,
        "reference": instruction.reference,
        "checklist": list(instruction.checklist),
        GOALS_COLUMN: list(instruction.goals),
        IDS_COLUMN: list(instruction.ids),
    }


def output_values(column: str, output: Output | None) -> dict[str, Any]:
    """What ``column`` and the one of its messages hold about an output."""
    replies = None if output is None else [*output.earlier, output.text]
    return {column: replies, messages_of(column): None if output is None else output.trajectory}


def messages_of(column: str) -> str:
    """The column that holds the messages of what stands in ``column`` as text."""
    return "messages" if column == "instruction" else f"{column}_messages"


def write_rows(
    path: Path,
    columns: Columns,
    rows: Iterable[Values],
    *,
    several_turns: bool = False,
    about: Mapping[str, str] | None = None,
) -> int:
    """Write ``rows`` in the form that the name of ``path`` says, and return how many there are.

    ``several_turns``: whether "replies" are lists. ``about``: what the metadata of a parquet file say. A file that is
    there is replaced when the new one is complete.
    Raises InputError for another ending or where the file cannot be written, MissingExtra for parquet without pyarrow.
    """
    write, packed = _writer(path)
    counter = count()
    counted = (row for row, _ in zip(rows, counter, strict=False))
    with _replaced(path, packed=packed) as stream:
        write(stream, columns, counted, several_turns, about or {})
    return next(counter)


def write_objects(path: Path, rows: Iterable[Values]) -> int:
    """As ``write_rows``, of JSON objects with any keys: only as .json and .jsonl, and every character as it is."""
    before, between, after = _framed(path, (".json", ".jsonl"))
    number = 0
    with _replaced(path, packed=path.name.lower().endswith(".gz")) as stream:
        stream.write(before)
        for number, row in enumerate(rows, 1):
            stream.write((between if number > 1 else b"") + _json(row))
        stream.write(after if number or before else b"")
    return number


def write_document(path: Path, document: Values) -> None:
    """As ``write_objects``, of one object: only as .json."""
    _framed(path, (".json",))
    with _replaced(path, packed=path.name.lower().endswith(".gz")) as stream:
        stream.write(_json(document) + b"\n")


def _framed(path: Path, endings: Sequence[str]) -> tuple[bytes, bytes, bytes]:
    """What stands before, between and after objects. Raises InputError where the name has none of the endings."""
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending not in endings or "\0" in str(path):
        raise InputError(f"{path}: its name must end in {' or '.join(endings)}; .gz may follow")
    return (b"[\n", b",\n", b"\n]\n") if ending == ".json" else (b"", b"\n", b"\n")


def _json(value: Values) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub(lambda lone: f"\\u{ord(lone[0]):04x}", text).encode()


@contextmanager
def _replaced(path: Path, *, packed: bool) -> Iterator[Any]:
    """A stream into a file that takes the place of ``path`` when it is complete."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            stream: Any = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else file
            yield stream
            stream.close()  # writes the end of what is packed
        os.replace(unfinished, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}): choose another path") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _writer(path: Path) -> tuple["_Writer", bool]:
    """What writes the form that the name says, and whether the file is packed."""
    name = path.name.lower()
    write, packed = _WRITERS.get(Path(name.removesuffix(".gz")).suffix), name.endswith(".gz")
    if write is None or "\0" in str(path) or (packed and write is _write_parquet):
        raise InputError(f"{path}: its name must end in one of {', '.join(_WRITERS)}; .gz may follow all but .parquet")
    return write, packed


def _write_lines(stream: IO[bytes], columns: Columns, rows: Iterable[Values], *_: Any) -> None:
    for row in rows:
        stream.write(json_object({name: row[name] for name in columns}) + b"\n")


def _write_list(stream: IO[bytes], columns: Columns, rows: Iterable[Values], *_: Any) -> None:
    before = b"[\n"
    for row in rows:
        stream.write(before + json_object({name: row[name] for name in columns}))
        before = b",\n"
    stream.write((b"[" if before == b"[\n" else b"\n") + b"]\n")


def json_object(values: Values) -> bytes:
    """A JSON object with cleaned texts, on one line."""
    return clean_text(json.dumps(values, ensure_ascii=False, allow_nan=False)).encode()


def _write_csv(stream: IO[bytes], columns: Columns, rows: Iterable[Values], *_: Any) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    write_csv(rows, list(columns), text)
    text.detach()  # which also writes what it holds back; the stream stays open


def write_csv(rows: Iterable[Values], columns: Sequence[str], stream: TextIO) -> None:
    """Write a header and one line a row, in RFC 4180's form (lines end in CR LF: open files with ``newline=""``).

    None becomes an empty cell. Raises KeyError where a row lacks one of ``columns``.
    """
    writer = csv.writer(stream)
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    is_json = isinstance(value, list | dict)
    if is_json or _texts(value) is not None:  # a text that would be taken for a list is a list of one
        value = _json_cell(value if is_json else [value], is_list_of_one=isinstance(value, list))
    if not isinstance(value, str):
        return value
    text = clean_text(value)
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def _json_cell(value: Any, *, is_list_of_one: bool) -> str:
    """``is_list_of_one``: a list of one such text is told from the text itself by a blank behind its bracket."""
    text = json.dumps(value, ensure_ascii=False)
    told = is_list_of_one and len(value) == 1 and _texts(value[0]) is not None
    return f"{_LIST_OF_ONE}{text[1:]}" if told else text


def restored_cell(cell: str) -> str | list[str]:
    """What was written as this cell. An empty cell is an empty text, whether or not it was missing."""
    texts = _texts(cell)
    if texts is not None:
        is_text = len(texts) == 1 and not cell.startswith(_LIST_OF_ONE) and _texts(texts[0]) is not None
        return texts[0] if is_text else texts
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS) else cell


def _texts(value: Any) -> list[str] | None:
    """The list of texts that a text is in JSON; None where it is none."""
    if not isinstance(value, str) or not value.startswith("["):
        return None
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) and all(isinstance(item, str) for item in items) else None


def _write_parquet(
    stream: IO[bytes], columns: Columns, rows: Iterable[Values], several_turns: bool, about: Mapping[str, str]
) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("parquet files need pyarrow: pip install 'judgebench[parquet]'") from error
    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    chat = pyarrow.list_(pyarrow.struct([("role", text), ("content", text)]))
    types = {"text": text, "texts": texts, "messages": text, "replies": texts if several_turns else text}
    types |= {"number": pyarrow.float64(), "integer": pyarrow.int64(), "flag": pyarrow.bool_()}
    types |= {"chat": chat, "object": text}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()], dict(about))
    objects = [name for name, kind in columns.items() if kind == "object"]
    rest = (_with_texts(row, objects) for row in rows)
    with pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while group := list(islice(rest, _ROW_GROUP)):
            writer.write_table(pyarrow.Table.from_pylist(group, schema))


def _with_texts(row: Values, objects: Sequence[str]) -> Values:
    """With a JSON text for each object."""
    held = {name: row[name] for name in objects if row[name] is not None}
    return {**row, **{name: json.dumps(value, ensure_ascii=False) for name, value in held.items()}} if held else row


_WRITERS: dict[str, _Writer] = {
    ".jsonl": _write_lines,
    ".json": _write_list,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
