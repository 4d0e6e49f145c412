"""Arguments of the public functions, checked against their annotations before anything is done with them."""

from collections.abc import Callable
from functools import wraps
from inspect import formatannotation, isclass, iscoroutinefunction, signature
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, cast, get_args, get_origin

from judgebench.errors import InputError

_P = ParamSpec("_P")
_Result = TypeVar("_Result")
_LEAST = {"seed": 0, "limit": 0, "resamples": 1}  # of whole numbers, by the name that they have everywhere


def checked(function: Callable[_P, _Result]) -> Callable[_P, _Result]:
    """``function``, which then raises InputError for an argument of a wrong type."""
    parameters = signature(function)
    kinds = {name: _kinds(parameter.annotation) for name, parameter in parameters.parameters.items()}

    def check(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            arguments = parameters.bind(*args, **kwargs).arguments
        except TypeError:
            return  # the function itself says what is missing or too much
        for name, value in arguments.items():
            if not any(_admits(kind, value) for kind in kinds[name]):
                given = f"{name} cannot be {str(value)[:60]!r} ({type(value).__name__})"
                takes = formatannotation(parameters.parameters[name].annotation)
                raise InputError(f"{function.__name__}: {given}: it takes {takes}")
            if name in _LEAST and isinstance(value, Integral) and int(value) < _LEAST[name]:
                raise InputError(f"{function.__name__}: {name} is {value}, and at least {_LEAST[name]}")

    @wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _Result:
        check(*args, **kwargs)
        return function(*args, **kwargs)

    @wraps(function)
    async def awaited(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        check(*args, **kwargs)
        return await cast(Any, function)(*args, **kwargs)

    return cast(Any, awaited) if iscoroutinefunction(function) else call


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; of a literal, the types of its values, which the function itself looks at."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(kind for member in get_args(annotation) for kind in _kinds(member))
    return tuple(map(type, get_args(annotation))) if get_origin(annotation) is Literal else (annotation,)


def _admits(kind: Any, value: Any) -> bool:
    """Of a container or protocol only what can be neither is refused: numbers and None."""
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    if isclass(kind) and get_origin(kind) is None and not getattr(kind, "_is_protocol", False):
        return isinstance(value, kind)
    return kind is Any or not isinstance(value, NoneType | Real)
