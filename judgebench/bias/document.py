"""Results as plain values, with the one form in which every figure is printed.

``{"value", "lower", "upper", "level", "method", "n", "identified"}``; and ``"reason"`` where value or interval are
missing.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

from judgebench.estimate import Estimate


def plain(value: Any) -> Any:
    """``value``, a result of this package, as dicts, lists, text, numbers and None; NaN and infinities become None."""
    if isinstance(value, Estimate):
        names = ("value", "lower", "upper", "level", "method", "n", "identified")
        numbers = {name: plain(getattr(value, name)) for name in names}
        return numbers | ({"reason": value.reason} if value.reason else {})
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value
