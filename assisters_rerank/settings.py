"""Settings that are checked when given and when assigned, and whose errors never show a value.

A value may be an API key in the wrong place, and pydantic's own messages print what they refuse.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .errors import ConfigurationError

T = TypeVar("T")

# Stated again by each class that has a framework's base class too: the last base's config wins.
STRICT = ConfigDict(
    extra="forbid",
    hide_input_in_errors=True,
    validate_assignment=True,
    arbitrary_types_allowed=True,
)


class Settings(BaseModel):
    """A pydantic model that raises `ConfigurationError` instead of pydantic's `ValidationError`."""

    model_config = STRICT

    # Type checkers see the constructor that pydantic derives from the fields instead.
    if not TYPE_CHECKING:

        def __init__(self, **settings: Any) -> None:
            try:
                super().__init__(**settings)
            except ValidationError as error:
                message = _explain(error, type(self))
            else:
                return
            # Outside the handler: pydantic's error holds the values, and must not ride along.
            raise ConfigurationError(message)

        def __setattr__(self, name: str, value: Any) -> None:
            try:
                super().__setattr__(name, value)
            except ValidationError as error:
                message = _explain(error, type(self))
            else:
                return
            raise ConfigurationError(message)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; unlike pydantic's own, it checks the updated settings."""
        copied = super().model_copy(deep=deep)
        for name, value in (update or {}).items():
            setattr(copied, name, value)
        return copied


def checked(rule: TypeAdapter[T], value: object, name: str) -> T:
    """A single value held to a rule; `name` says where it came from.

    Raises:
        ConfigurationError: it breaks the rule.
    """
    try:
        return rule.validate_python(value)
    except ValidationError as error:
        message = f"{name}: {_reason(error.errors(include_url=False)[0]['msg'])}"
    raise ConfigurationError(message)


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    problems = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else model.__name__
        if problem["type"] == "extra_forbidden":
            near = difflib.get_close_matches(name, model.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else "see the class's fields"
            problems.append(f"{name} is no setting of {model.__name__}; {hint}")
        else:
            problems.append(f"{name}: {_reason(problem['msg'])}")
    return "; ".join(problems)


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")
