"""Small files that unfold to much: every kind of file x every way to do that, made when they are asked for."""

import gzip
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.formats.workbooks import parts, sheet

MIB = 1 << 20
Parts = Iterator[bytes]


def _repeated(start: bytes, unit: bytes, size: int, end: bytes = b"") -> Parts:
    """``unit`` over and over until ``size`` bytes, between a start and an end."""
    yield start
    piece = unit * max(1, MIB // len(unit))
    for _ in range(size // len(piece)):
        yield piece
    yield end


def _keys(start: bytes, count: int, end: bytes) -> Parts:
    yield start
    for number in range(count):
        yield b',"k%d":0' % number
    yield end


_CELL = b'{"instruction":"i","output":"'
_LIST = b'{"instruction":"i","output":[[]'
_LOG = b'{"eval":{"model":"m"},"samples":[[]'
_PACKED: dict[str, Callable[[], Parts]] = {
    "cell.jsonl.gz": lambda: _repeated(_CELL, b"x", 300 * MIB, b'"}\n'),
    "cell.json.gz": lambda: _repeated(b"[" + _CELL, b"x", 300 * MIB, b'"}]'),
    "cell.csv.gz": lambda: _repeated(b'instruction,output\ni,"', b"x", 300 * MIB, b'"\n'),
    "cell-lines.csv.gz": lambda: _repeated(b'instruction,output\ni,"', b"x\n", 300 * MIB, b'"\n'),
    "cell.document.json.gz": lambda: _repeated(b'{"eval":{"model":"m"},"samples":["', b"x", 300 * MIB, b'"]}'),
    "emoji.jsonl.gz": lambda: _repeated(_CELL, "😀".encode(), 200 * MIB, b'"}\n'),
    "one-emoji.json.gz": lambda: _repeated(b"[" + _CELL + "😀".encode(), b"x", 60 * MIB, b'"}]'),
    "blank.jsonl.gz": lambda: _repeated(b"", b"\n", 300 * MIB),
    "blank.json.gz": lambda: _repeated(b"", b" ", 300 * MIB),
    "deep.jsonl.gz": lambda: _repeated(b'{"instruction":', b"[", 40 * MIB),
    "deep.json.gz": lambda: _repeated(b'[{"instruction":', b"[", 40 * MIB),
    "deep.document.json.gz": lambda: _repeated(b'{"eval":', b"[", 40 * MIB),
    "lists.jsonl.gz": lambda: _repeated(_LIST, b",[]", 40 * MIB, b"]}\n"),
    "lists.json.gz": lambda: _repeated(b"[" + _LIST, b",[]", 40 * MIB, b"]}]"),
    "lists.document.json.gz": lambda: _repeated(_LOG, b",[]", 40 * MIB, b"]}"),
    "objects.jsonl.gz": lambda: _repeated(_LIST, b',{"a":0}', 40 * MIB, b"]}\n"),
    "keys.jsonl.gz": lambda: _keys(b'{"instruction":"i"', 1_500_000, b"}\n"),
    "key-twice.jsonl.gz": lambda: _keys(b'{"instruction":"i"', 300_000, b',"k299999":0}\n'),
    "columns.csv.gz": lambda: _repeated(b"instruction,output", b",", 40 * MIB, b"\n"),
    "cells.csv.gz": lambda: _repeated(b"instruction,output\n", b",", 40 * MIB, b"\n"),
    "cells-lines.csv.gz": lambda: _repeated(b"instruction,output\n", b'"\n",', 60 * MIB, b"\n"),
}


_PACKED |= {
    "envelope-cell.json.gz": lambda: _repeated(b'{"data":[' + _CELL, b"x", 300 * MIB, b'"}]}'),
    "envelope-lists.json.gz": lambda: _repeated(b'{"data":[' + _LIST, b",[]", 40 * MIB, b"]}]}"),
    "envelope-deep.json.gz": lambda: _repeated(b'{"data":', b"[", 40 * MIB),
    "envelope-beside.json.gz": lambda: _repeated(b'{"about":"', b"x", 300 * MIB, b'","data":[{"instruction":"i"}]}'),
    "envelope-keys.json.gz": lambda: _keys(b'{"data":[{"instruction":"i"}]', 1_500_000, b"}"),
    "frame-columns.json.gz": lambda: _keys(b'{"instruction":{"0":"i"', 1_500_000, b"}}"),
    "frame-lists.json.gz": lambda: _repeated(b'{"instruction":["i"', b',"i"', 40 * MIB, b"]}"),
    "frame-split.json.gz": lambda: _repeated(b'{"columns":["a"],"data":[[1]', b",[1]", 40 * MIB, b"]}"),
    "cells.tsv.gz": lambda: _repeated(b"instruction\toutput\n", b"\t", 40 * MIB, b"\n"),
    "semicolons.csv.gz": lambda: _repeated(b"instruction;output\n", b";", 40 * MIB, b"\n"),
    "cell.jsonl.zst": lambda: _repeated(_CELL, b"x", 300 * MIB, b'"}\n'),
    "blank.json.zst": lambda: _repeated(b"", b" ", 300 * MIB),
    "lists.jsonl.zst": lambda: _repeated(_LIST, b",[]", 40 * MIB, b"]}\n"),
}


def _write_packed(path: Path, unfolding: Parts) -> None:
    if path.suffix == ".zst":
        import zstandard

        with path.open("wb") as packed, zstandard.ZstdCompressor().stream_writer(packed) as stream:
            for part in unfolding:
                stream.write(part)
        return
    with gzip.open(path, "wb", compresslevel=1) as file:
        for part in unfolding:
            file.write(part)


_SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_HEADER = b'<row><c t="inlineStr"><is><t>instruction</t></is></c></row>'
_ROW = b'<row><c t="inlineStr"><is><t>'
_SHARED = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
_STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs>'
_WORKBOOKS: dict[str, tuple[str, Callable[[], Parts]]] = {  # the part of the workbook that unfolds
    "cell.xlsx": ("sheet", lambda: _repeated(_SHEET + _HEADER + _ROW, b"x", 300 * MIB, b"</t></is></c></row>")),
    "blank.xlsx": ("sheet", lambda: _repeated(_SHEET + _HEADER, b" ", 300 * MIB)),
    "rows.xlsx": ("sheet", lambda: _repeated(_SHEET + _HEADER, b"<row/>", 300 * MIB)),
    "cells.xlsx": ("sheet", lambda: _repeated(_SHEET + _HEADER + b"<row>", b"<c><v>1</v></c>", 300 * MIB)),
    "depth.xlsx": ("sheet", lambda: _repeated(_SHEET, b"<a>", 40 * MIB)),
    "comment.xlsx": ("sheet", lambda: _repeated(_SHEET + b"<!--", b"x", 300 * MIB)),
    "attribute.xlsx": ("sheet", lambda: _repeated(_SHEET + b'<row r="', b"1", 300 * MIB)),
    "used.xlsx": ("sheet", lambda: _repeated(_SHEET + _HEADER, b'<row><c t="s"><v>0</v></c></row>', 60 * MIB)),
    "shared.xlsx": ("shared", lambda: _repeated(_SHARED, b"<si><t>x</t></si>", 300 * MIB)),
    "shared-empty.xlsx": ("shared", lambda: _repeated(_SHARED, b"<si/>", 60 * MIB)),
    "shared-text.xlsx": ("shared", lambda: _repeated(_SHARED + b"<si><t>", "😀".encode(), 300 * MIB)),
    "styles.xlsx": ("styles", lambda: _repeated(_STYLES, b'<xf numFmtId="14"/>', 60 * MIB)),
}
_PART_NAMES = {"sheet": "xl/worksheets/sheet1.xml", "shared": "xl/sharedStrings.xml", "styles": "xl/styles.xml"}


def _write_workbook(path: Path, kind: str, unfolding: Parts) -> None:
    held = parts({"Sheet1": sheet()}, ["<t>" + "x" * MIB + "</t>"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in held.items():
            if name != _PART_NAMES[kind]:
                archive.writestr(name, text)
        with archive.open(_PART_NAMES[kind], "w", force_zip64=True) as member:
            for part in unfolding:
                member.write(part)


def _ipc_tables() -> dict[str, Callable[[], dict[str, Any]]]:
    """The columns of an Arrow file or stream, or of one of feather."""
    import pyarrow as pa

    numbered = [f"i{number}" for number in range(300)]
    return {
        "cell.arrow": lambda: {"instruction": ["i"], "output": ["x" * (300 * MIB)]},
        "cell.feather": lambda: {"instruction": ["i"], "output": ["x" * (300 * MIB)]},
        "repeated.arrow": lambda: {"instruction": numbered, "output": _coded("x" * (20 * MIB), 300)},
        "repeated.feather": lambda: {"instruction": numbered, "output": _coded("x" * (20 * MIB), 300)},
        "list.arrow": lambda: {"instruction": ["i"], "output": _one_list(_coded("x" * (20 * MIB), 5000))},
        "nulls.arrow": lambda: {"instruction": pa.nulls(110_000_000, pa.null())},
        "items.feather": lambda: {"instruction": ["i"], "output": _one_list(pa.nulls(30 * MIB, pa.int8()))},
    }


_ARCHIVES: dict[str, Callable[[], Parts]] = {
    "cell.eval": lambda: _repeated(b'{"input":"', b"x", 300 * MIB, b'"}'),
    "lists.eval": lambda: _repeated(b'{"input":[[]', b",[]", 40 * MIB, b"]}"),
    "deep.eval": lambda: _repeated(b'{"input":', b"[", 40 * MIB),
}


def _write_archive(path: Path, unfolding: Parts) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("header.json", '{"eval": {"model": "m"}}')
        with archive.open("samples/a.json", "w") as member:
            for part in unfolding:
                member.write(part)


def _coded(text: str, count: int) -> Any:
    """A text that stands in the file once, ``count`` times."""
    import pyarrow

    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.nulls(count, pyarrow.int32()).fill_null(0), pyarrow.array([text])
    )


def _one_list(items: Any) -> Any:
    import pyarrow

    return pyarrow.ListArray.from_arrays(pyarrow.array([0, len(items)], pyarrow.int32()), items)


def _tables() -> dict[str, Callable[[], tuple[dict[str, Any], dict[str, Any]]]]:
    """The columns of a parquet file, and how it is written."""
    import pyarrow as pa

    def nested(depth: int) -> Any:
        kind = pa.string()
        for _ in range(depth):
            kind = pa.struct([("a", kind)])
        return pa.nulls(1, kind)

    few = {"dictionary_pagesize_limit": 1 << 30}
    plain = {"use_dictionary": False, "write_statistics": False}
    delta = {**plain, "column_encoding": {"output": "DELTA_BYTE_ARRAY"}, "data_page_size": 1 << 30}
    numbered = [f"i{number}" for number in range(300)]
    prefix = "x" * MIB
    return {
        "cell.parquet": lambda: ({"instruction": ["i"], "output": ["x" * (300 * MIB)]}, plain),
        "cell-snappy.parquet": lambda: (
            {"instruction": ["i"], "output": ["x" * (300 * MIB)]},
            {**plain, "compression": "snappy"},
        ),
        "large-string.parquet": lambda: (
            {"instruction": ["i"], "output": pa.array(["x" * (300 * MIB)], pa.large_string())},
            plain,
        ),
        "string-view.parquet": lambda: (
            {"instruction": ["i"], "output": pa.array(["x" * (300 * MIB)], pa.string_view())},
            plain,
        ),
        "repeated.parquet": lambda: ({"instruction": numbered, "output": _coded("x" * (20 * MIB), 300)}, few),
        "prefixes.parquet": lambda: ({"instruction": numbered, "output": [prefix + one for one in numbered]}, delta),
        "list.parquet": lambda: ({"instruction": ["i"], "output": _one_list(_coded("x" * (20 * MIB), 5000))}, few),
        "structs.parquet": lambda: (
            {
                "instruction": ["i"],
                "messages": _one_list(pa.StructArray.from_arrays([_coded("x" * (20 * MIB), 5000)], ["content"])),
            },
            few,
        ),
        "map.parquet": lambda: (
            {
                "instruction": ["i"],
                "output": pa.MapArray.from_arrays(
                    pa.array([0, 5000], pa.int32()),
                    pa.array([str(number) for number in range(5000)]),
                    _coded("x" * MIB, 5000),
                ),
            },
            few,
        ),
        "items.parquet": lambda: ({"instruction": ["i"], "output": _one_list(pa.nulls(30 * MIB, pa.int8()))}, {}),
        "nulls.parquet": lambda: ({"instruction": pa.nulls(110_000_000, pa.int8())}, {"row_group_size": 1 << 30}),
        "rows.parquet": lambda: (
            {name: pa.nulls(20_000_000, pa.string()).fill_null("i") for name in ("instruction", "output")},
            {"row_group_size": 1 << 30},
        ),
        "columns.parquet": lambda: ({f"c{number}": ["x"] for number in range(20_000)}, {}),
        "deep.parquet": lambda: ({"instruction": nested(1200)}, {}),
        "decimals.parquet": lambda: (
            {"instruction": ["i"], "output": _one_list(pa.nulls(8 * MIB, pa.decimal128(38, 2)).fill_null(0))},
            {},
        ),
    }


def names() -> list[str]:
    return [*_PACKED, *_ARCHIVES, *_WORKBOOKS, *_tables(), *_ipc_tables()]


def write(folder: Path, name: str) -> Path:
    path = folder / name
    if name in _PACKED:
        _write_packed(path, _PACKED[name]())
    elif name in _ARCHIVES:
        _write_archive(path, _ARCHIVES[name]())
    elif name in _WORKBOOKS:
        kind, unfolding = _WORKBOOKS[name]
        _write_workbook(path, kind, unfolding())
    elif path.suffix in (".arrow", ".feather"):
        _write_ipc(path, _ipc_tables()[name]())
    else:
        import pyarrow
        import pyarrow.parquet

        columns, how = _tables()[name]()
        pyarrow.parquet.write_table(pyarrow.table(columns), path, **{"compression": "zstd", **how})
    return path


def _write_ipc(path: Path, columns: dict[str, Any]) -> None:
    import pyarrow
    import pyarrow.feather

    table = pyarrow.table(columns)
    if path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path, compression="zstd", chunksize=1 << 30)
        return
    options = pyarrow.ipc.IpcWriteOptions(compression="zstd")
    with pyarrow.ipc.new_stream(path, table.schema, options=options) as stream:
        stream.write_table(table)
