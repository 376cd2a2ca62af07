"""What `inspect.signature` and `help` show of a class of settings: options as people write them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class _Shown(str):
    """Text that a signature prints as it is."""

    __repr__ = str.__str__


def _signature(fields: Mapping[str, FieldInfo]) -> inspect.Signature:
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=_Shown(type_text(field.annotation)),
        )
        for name, field in fields.items()
    ]
    return inspect.Signature(options)


def _default(field: FieldInfo) -> object:
    if field.is_required():
        return inspect.Parameter.empty
    if field.default_factory in (dict, list):
        return field.get_default(call_default_factory=True, validated_data={})
    # Another factory may read the environment, where an address may hold a key.
    return field.default if field.default_factory is None else _Shown("<factory>")


def type_text(annotation: Any) -> str:
    """A type as people write it: without the rules of `Annotated`, unions with a bar."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_text(parts[0])
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(map(type_text, parts)))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, parts))}]"
    if isinstance(annotation, list):  # a Callable's arguments
        return f"[{', '.join(map(type_text, annotation))}]"
    if parts:
        return f"{type_text(origin)}[{', '.join(map(type_text, parts))}]"
    if annotation in (None, NoneType):
        return "None"
    name = getattr(annotation, "__name__", None)
    return "..." if annotation is ... else name or str(annotation).removeprefix("typing.")


class ReadableClass(type(BaseModel)):  # type: ignore[misc]
    """What `inspect.signature` and `help` show of our classes.

    Their options without validators, which pydantic prints by their addresses; and in `help` not
    the 1,500 lines that they inherit from pydantic and the frameworks. Everyone else who asks for
    the names, such as a completion, gets all of them.
    """

    @property
    def __signature__(cls) -> inspect.Signature:
        return _signature(cast("type[BaseModel]", cls).model_fields)

    @__signature__.setter
    def __signature__(cls, made: object) -> None:
        """Pydantic sets its own, whenever it builds the class."""

    def __dir__(cls) -> list[str]:
        names: list[str] = super().__dir__()
        caller = sys._getframe(1)
        askers = (caller, caller.f_back)  # the second where a tool has put its own `dir` between
        helps = inspect.classify_class_attrs.__code__
        if all(frame is None or frame.f_code is not helps for frame in askers):
            return names
        own = {
            name for base in cls.__mro__ if isinstance(base, ReadableClass) for name in vars(base)
        }
        return [name for name in names if name in own and not name.startswith("__")]
