"""JudgeBench in notebooks and scripts: ``asking`` holds what asks judges and models, ``boards`` what is made of many
verdicts, ``submitting`` what brings new models, ``queueing`` what is left to workers, ``data`` all else.

``import judgebench`` offers every function of them. Rows come out as DataFrames, reports as records. What a name of the
command line's options is called there, it is called here.
"""

from inspect import isfunction

from judgebench.api import asking, boards, data, queueing, submitting
from judgebench.api.asking import *  # noqa: F403
from judgebench.api.boards import *  # noqa: F403
from judgebench.api.checking import checked
from judgebench.api.data import *  # noqa: F403
from judgebench.api.queueing import *  # noqa: F403
from judgebench.api.submitting import *  # noqa: F403
from judgebench.errors import JudgeBenchError

__all__ = ["JudgeBenchError", *asking.__all__, *boards.__all__, *data.__all__, *queueing.__all__, *submitting.__all__]
globals().update({name: checked(globals()[name]) for name in __all__ if isfunction(globals()[name])})
