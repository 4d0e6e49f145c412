"""Workers of a Ray cluster, in which a judge runs or from which its server is asked.

Where they are is a matter of the machine that asks and not of the judge: no database remembers it.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_MOST = 4096  # workers: as many as questions in flight
_CLIENT = "ray://"


def _address(address: str) -> str:
    if address.startswith(_CLIENT):
        raise ValueError(
            "Ray's client (ray://) is not for work like this: start judgebench on a node of the cluster with address "
            "auto, or by 'ray job submit'"
        )
    return address


def _amounts(resources: Mapping[str, float]) -> Mapping[str, float]:
    for name, amount in resources.items():
        if not (name and 0 < amount < math.inf):
            raise ValueError(f'{name[:80]!r} is {amount:g}: give numbers above 0, as in {{"CPU": 2, "GPU": 1}}')
    if not resources:
        raise ValueError('a worker needs something of its node: give for instance {"CPU": 1}')
    return resources


class RayWorkers(BaseModel):
    """Which cluster, how many workers, and what each of them needs of its node."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # "local": a cluster of this machine, made for the run; "auto": the one that runs here, or of RAY_ADDRESS
    address: Annotated[str, AfterValidator(_address)] = Field(default="local", min_length=1, max_length=200)
    workers: int | None = Field(default=None, ge=1, le=_MOST)  # None: one an address, else all that have room
    resources: Annotated[Mapping[str, float], AfterValidator(_amounts)] = Field(default_factory=lambda: {"CPU": 1.0})


def _read(given: Any) -> Any:
    return {"address": given} if isinstance(given, str) else given


Workers = Annotated[RayWorkers, BeforeValidator(_read)]
