"""Under whose name what is done is logged."""

import getpass
from collections.abc import Mapping

from judgebench.keys import clean_text

ACTOR_VARIABLE = "JUDGEBENCH_ACTOR"  # for whom a process works; the app names who has logged in to those that it starts
LOCAL = "local"  # who has no name on this machine
_CHARS = 320  # of the longest address


def actor(environment: Mapping[str, str]) -> str:
    """As the environment names them, else the user of this machine."""
    return clean_text(environment.get(ACTOR_VARIABLE, ""))[:_CHARS] or own_name()


def own_name() -> str:
    """The user of this machine."""
    try:
        return clean_text(getpass.getuser())[:_CHARS] or LOCAL
    except (KeyError, OSError):  # a user id without a name
        return LOCAL
