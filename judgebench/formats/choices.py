"""Answers as FastChat writes them, for MT-Bench and Arena-Hard: ``choices``, each with the replies to all turns."""

from typing import Any

from judgebench.formats.reading import FileRow

CHOICES, CHOICE_TURNS = "choices", "choices.turns"


def with_choices(row: FileRow) -> FileRow:
    """The row with the turns of its choices in a column of their own, each choice a sample; as it is without."""
    choices = row.values.get(CHOICES)
    if not isinstance(choices, list) or not choices or not all(map(_is_choice, choices)):
        return row
    in_order = sorted(choices, key=_index)
    return FileRow(row.place, {**row.values, CHOICE_TURNS: [choice["turns"] for choice in in_order]}, row.nulls)


def _is_choice(choice: Any) -> bool:
    return isinstance(choice, dict) and isinstance(choice.get("turns"), list)


def _index(choice: dict[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0
