"""Logs of Inspect as files: their samples as rows, and a whole log made of rows.

A log is one JSON document or, with the ending ``.eval``, a zip archive with a member for each sample. Today's members
are packed with Zstandard, which Python's ``zipfile`` does not know before 3.14: they are unpacked here, as streams that
end where the limit is passed.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from judgebench.errors import InputError, MissingExtra
from judgebench.formats.reading import Filename, FileRow, Place, ReadLimits, json_object, read_document

_SAMPLE = re.compile(r"samples/[^/\\]+\.json")
_HEADERS = ("header.json", "_journal/start.json")  # the second where the evaluation did not end
_ZSTANDARD = 93
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTANDARD)
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_MOST_WINDOW = 128 << 20  # bytes that Zstandard may look back
_CHUNK = 1 << 20
_ENCRYPTED = 1


def read_log(filename: Filename, limits: ReadLimits | None = None) -> Iterator[FileRow]:
    """The samples of a log, each with its evaluation's ``model``. Raises InputError for what is no log."""
    bounds = limits or ReadLimits()
    if _is_archive(filename):
        yield from _archived(filename, bounds)
        return
    yield from log_rows(filename, read_document(filename, bounds))


def log_rows(filename: Filename, log: Mapping[str, Any]) -> Iterator[FileRow]:
    """The samples of a log that is one document. Raises InputError for what is no log."""
    samples = log.get("samples")
    if "eval" not in log or not isinstance(samples, list | None):
        raise InputError(f"{filename}: is no log of Inspect: expected an object with 'eval' and 'samples'")
    for number, sample in enumerate(samples or (), 1):
        yield _row(sample, log, Place(str(filename), "sample", number))


def _is_archive(filename: Filename) -> bool:
    try:
        with open(filename, "rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except (OSError, ValueError) as error:
        raise InputError(f"{str(filename)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _row(sample: Any, log: Mapping[str, Any], place: Place) -> FileRow:
    if not isinstance(sample, dict):
        raise place.error("expected an object")
    evaluation = log.get("eval")
    model = evaluation.get("model") if isinstance(evaluation, Mapping) else None
    return FileRow(place, ({} if model is None else {"model": model}) | sample)


def _archived(filename: Filename, limits: ReadLimits) -> Iterator[FileRow]:
    try:
        with open(filename, "rb") as file, zipfile.ZipFile(file) as archive:
            members = {info.filename: info for info in archive.infolist()}
            if len(members) < len(archive.infolist()):
                raise zipfile.BadZipFile("two members have one name")
            header = next((members[name] for name in _HEADERS if name in members), None)
            if header is None:
                raise InputError(f"{filename}: is no log of Inspect: has no {' or '.join(_HEADERS)}")
            budget = _Budget(str(filename), limits)
            log = json_object(
                budget.decoded(archive, file, header), Place(f"{filename}/{header.filename}", "row", 1), limits
            )
            names = [name for name in members if _SAMPLE.fullmatch(name) and ".." not in name]
            for number, name in enumerate(names, 1):
                place = Place(f"{filename}/{name}", "sample", number)
                yield _row(json_object(budget.decoded(archive, file, members[name]), place, limits), log, place)
    except (NotImplementedError, RuntimeError) as error:  # of ``zipfile``
        raise InputError(f"{filename}: the archive is of a kind that is not known here: {error}") from error
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, struct.error, UnicodeDecodeError) as error:
        raise InputError(f"{filename}: the archive is damaged: {error}") from error


class _Budget:
    """How many bytes an archive may still unpack to."""

    def __init__(self, filename: str, limits: ReadLimits) -> None:
        self._filename, self._left, self._member = filename, limits.file_bytes, limits.row_chars

    def decoded(self, archive: zipfile.ZipFile, file: IO[bytes], info: zipfile.ZipInfo) -> bytes:
        """A member's bytes. Raises InputError before more than the limits is held."""
        self._check(info, info.file_size)
        if info.compress_type not in _METHODS or info.flag_bits & _ENCRYPTED:
            raise InputError(f"{self._filename}: {info.filename!r} is encrypted or packed in a way not known here")
        pieces: list[bytes] = []
        size = 0
        with _zstandard(file, info) if info.compress_type == _ZSTANDARD else archive.open(info) as stream:
            while piece := _piece(stream, info.filename):
                size += len(piece)
                self._check(info, size)
                pieces.append(piece)
        data = b"".join(pieces)
        if size != info.file_size or zlib.crc32(data) != info.CRC:
            raise zipfile.BadZipFile(f"{info.filename!r} is not what its checksum says")
        self._left -= size
        return data

    def _check(self, info: zipfile.ZipInfo, size: int) -> None:
        if size > min(self._left, self._member):
            raise InputError(
                f"{self._filename}: {info.filename!r} unpacks to more than {min(self._left, self._member):,} bytes, "
                "which are left of what one file may hold"
            )


def _piece(stream: IO[bytes], name: str) -> bytes:
    try:
        return stream.read(_CHUNK)
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile):
        raise
    except Exception as error:  # zstandard's own class, which only it can name
        if type(error).__module__.partition(".")[0] != "zstandard":
            raise
        raise zipfile.BadZipFile(f"{name!r}: {error}") from error


def _zstandard(file: IO[bytes], info: zipfile.ZipInfo) -> IO[bytes]:
    """The unpacked bytes of a member packed with Zstandard."""
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtra(
            "this log of Inspect is packed with Zstandard: pip install 'judgebench[inspect]', or turn it into JSON "
            "with: inspect log convert --to json --output-dir DIR LOG"
        ) from error
    file.seek(info.header_offset)
    mark, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if mark != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"{info.filename!r} does not stand where the archive says")
    file.seek(name_length + extra_length, io.SEEK_CUR)
    packed = io.BytesIO(file.read(info.compress_size))
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
    stream: IO[bytes] = unpacker.stream_reader(packed, read_across_frames=True)
    return stream


def inspect_log(rows: Sequence[Mapping[str, Any]], *, task: str, model: str, created: str) -> dict[str, Any]:
    """A log that Inspect opens, of rows as its form writes them; ``created`` is a time in ISO 8601."""
    samples = [{"id": number} | dict(row) for number, row in enumerate(rows, 1)]
    for sample in samples:
        if "output" in sample:
            sample["output"] = {"model": model} | sample["output"]
    ids = [sample["id"] for sample in samples]
    evaluation = {
        "created": created,
        "task": task,
        "dataset": {"name": task, "samples": len(samples), "sample_ids": ids},
        "model": model,
        "config": {},
    }
    return {"version": 2, "status": "success", "eval": evaluation, "samples": samples}
