"""JSON read into dataclasses, every type checked: what is wrong is one line that names the field."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")


def checked(kind: type[Kind], data: Any, place: str) -> Kind:
    """Return the dataclass that a JSON object holds; keys that it has no field for are left out.

    Args:
        place: of the object, for messages, as "result.json".

    Raises:
        ValueError: a field without a default is missing, or one has another type.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} is {_told(data)}, wanted an object")
    hints = get_type_hints(kind)
    values = {}
    for one in fields(kind):  # type: ignore[arg-type]
        if one.name in data:
            values[one.name] = _value(hints[one.name], data[one.name], f"{place}: {one.name}")
        elif one.default is MISSING and one.default_factory is MISSING:
            raise ValueError(f"{place} has no {one.name!r}")
    return kind(**values)


def _value(hint: Any, value: Any, place: str) -> Any:
    """Return a JSON value as the type of a field."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        (some,) = (one for one in inner if one is not type(None))
        return _value(some, value, place)
    if is_dataclass(hint):
        return checked(hint, value, place)  # type: ignore[arg-type]
    if origin is tuple:
        if not isinstance(value, list) or (inner[-1] is not ... and len(value) != len(inner)):
            raise ValueError(f"{place} is {_told(value)}, wanted a list")
        each = inner[:1] * len(value) if inner[-1] is ... else inner
        return tuple(_value(one, v, f"{place}[{i}]") for i, (one, v) in enumerate(zip(each, value, strict=True)))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{place} is {_told(value)}, wanted an object")
        return {str(key): _value(inner[1], v, f"{place}.{key}") for key, v in value.items()}
    number = hint is float and isinstance(value, int) and not isinstance(value, bool)
    if not (number or type(value) is hint):
        raise ValueError(f"{place} is {_told(value)}, wanted {hint.__name__}")
    return float(value) if number else value


def _told(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
