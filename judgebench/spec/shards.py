"""Parts of what is asked, so that several processes, on one machine or many, each ask one of them.

A part holds whole instructions, told by their keys: what belongs to an instruction stays together, and no part depends
on the order in which instructions were stored.
"""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator

_WRITTEN = re.compile(r"\s*([0-9]{1,5})\s*/\s*([0-9]{1,5})\s*")
_MOST = 32_767  # parts, as the store can number them


class Shard(NamedTuple):
    """One of several parts."""

    number: int  # from 1
    of: int  # parts in all

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, instruction_key: str) -> bool:
        """Whether the instruction with this key is in this part.

        >>> [Shard(number, 3).holds("0000000a" + 24 * "0") for number in (1, 2, 3)]
        [False, True, False]
        """
        return int(instruction_key[:8], 16) % self.of == self.number - 1


def _read(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    written = _WRITTEN.fullmatch(given)
    if written is None:
        raise ValueError(f"{given[:40]!r} is no part: write 1/3, 2/3 and 3/3 for the parts of three")
    return Shard(*map(int, written.groups()))


def _within(shard: Shard) -> Shard:
    if not 1 <= shard.number <= shard.of <= _MOST:
        raise ValueError(
            f"there is no part {shard}: parts are counted from 1, as 1/3, 2/3 and 3/3, and there are {_MOST:,} at most"
        )
    return shard


Part = Annotated[Shard, BeforeValidator(_read), AfterValidator(_within)]
