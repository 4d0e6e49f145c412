"""JudgeBench in notebooks and scripts: ``asking`` holds what asks judges and models, ``data`` all else.

``import judgebench`` offers every function of both. Rows come out as DataFrames, reports as records. What a name of the
command line's options is called there, it is called here.
"""

from judgebench.api import asking, data
from judgebench.api.asking import *  # noqa: F403
from judgebench.api.data import *  # noqa: F403

__all__ = [*asking.__all__, *data.__all__]
