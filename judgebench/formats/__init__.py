"""Files that others made or read: one module a format, and ``registry`` with the table of all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["instructions", "outputs", "verdicts", "labels", "lineage", "judges", "battles", "goals", "leaderboard"]
ToolName = Literal["alpaca-eval", "alpaca-eval-outputs", "arena-hard", "arena-rank", "preferences", "all"]
FormName = Literal["openai-chat", "vllm", "responses", "anthropic", "gemini", "sharegpt", "inspect", "promptfoo"]
PairsFrom = Literal["verdicts", "labels"]  # who says which of two outputs is better, for other tools
# Of a column that is written. "replies": a text; where an instruction of the benchmark has several turns, in every row
# a list of texts. "messages": a conversation as JSON in a text. "chat": a list of messages with role and content.
# "object": whatever JSON can say.
ColumnType = Literal["text", "texts", "replies", "messages", "chat", "object", "number", "integer", "flag"]


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, by which a format recognises it."""

    ending: str  # of its name, such as ".json"; without ".gz"
    rows: tuple[Mapping[str, Any], ...]  # the first ones, at least one
    columns: tuple[str, ...]  # of these rows, as the file writes them

    def holds(self, *columns: str) -> bool:
        return set(columns).issubset(self.columns)


@dataclass(frozen=True, slots=True)
class Format:
    """A row of the table of formats.

    A file is of the one format that recognises it. ``general`` formats, which go by the usual names of columns, count
    where no other recognises it.
    """

    name: str
    holds: Kind
    help: str  # one sentence
    recognises: Callable[[Sample], bool] | None = None  # None: it is only written, or read by its name
    read: Callable[..., Any] | None = (
        None  # (filename, *, limits), with ``maps`` also columns, with ``joins`` also known
    )
    general: bool = False
    maps: bool = False  # whether columns with other names can be named, by --map FIELD=COLUMN
    joins: bool = False  # whether rows may name instructions and outputs of the benchmark by their ids alone
    benchmark: str | None = None  # that it is imported into where none is named
    columns: Mapping[str, ColumnType] = field(default_factory=dict)  # that are written
    row: Callable[..., Mapping[str, Any]] = dict  # makes a row that is written of the records that it tells about
    is_form: bool = False  # of conversations, each written as a whole; ``columns`` are empty

    @property
    def is_written(self) -> bool:
        return bool(self.columns) or self.is_form
