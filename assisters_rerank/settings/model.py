"""Settings that are checked when given and when assigned, and whose errors never show a value.

A value may be an API key in the wrong place, and pydantic's own messages print the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..errors import ConfigurationError
from .near_names import near_name
from .readable_class import ReadableClass

T = TypeVar("T")

# Stated again by each class that has a framework's base class too: the last base's config wins.
STRICT = ConfigDict(
    extra="forbid",
    hide_input_in_errors=True,
    validate_assignment=True,
    arbitrary_types_allowed=True,
    defer_build=False,
)
# For classes of which there are no objects: their validators would only cost the import time.
STRICT_BASE: ConfigDict = {**STRICT, "defer_build": True}
FROZEN: ConfigDict = {**STRICT, "frozen": True}


def no_bool(value: object) -> object:
    """For numbers: a bool is refused."""
    # Python counts True as 1; in an option it is a mistake.
    if isinstance(value, bool):
        raise ValueError("give a number, not a bool")
    return value


class Settings(BaseModel):
    """A pydantic model that raises `ConfigurationError` instead of pydantic's `ValidationError`."""

    model_config = STRICT_BASE

    # Type checkers see the constructor that pydantic derives from the fields instead.
    if not TYPE_CHECKING:

        def __init__(self, *unnamed: Any, **settings: Any) -> None:
            if unnamed:
                name = type(self).__name__
                raise ConfigurationError(f"{name} takes named options; write {name}(option=…).")
            try:
                super().__init__(**settings)
            except ValidationError as error:
                message = _explain(error, type(self))
            else:
                self._check_together()
                return
            # Outside the handler: pydantic's error holds the values, so it must not be chained.
            raise ConfigurationError(message)

        def __getattr__(self, name: str) -> Any:
            # Pydantic's own takes more than twice as long to find a private attribute, and each
            # call needs some. What has `__get__` it binds.
            private = object.__getattribute__(self, "__pydantic_private__") or {}
            if name in private and not hasattr(private[name], "__get__"):
                return private[name]
            return super().__getattr__(name)

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
        copied._check_together()
        return copied

    def _check_together(self) -> None:
        """Raises `ConfigurationError` for settings that do not fit together.

        Called once all of them are given; one that is assigned later may wait for another.
        """


# Not as its `metaclass`: type checkers would no longer derive the constructors from the fields.
type.__setattr__(Settings, "__class__", ReadableClass)


def check_names(model: type[BaseModel], names: Iterable[str]) -> None:
    """Raises `ConfigurationError` for the names that are no setting of the model."""
    problems = [_unknown(name, model) for name in names if name not in model.model_fields]
    if problems:
        raise ConfigurationError("; ".join(problems))


def checked(rule: TypeAdapter[T], value: object, name: str) -> T:
    """Checks one value by a rule; `name` says where the value came from.

    Raises:
        ConfigurationError: it breaks the rule.
    """
    try:
        return rule.validate_python(value)
    except ValidationError as error:
        message = f"{name}: {_reason(error.errors(include_url=False)[0]['msg'])}"
    raise ConfigurationError(message)


def given_text(value: object, option: str, of: str = "") -> str:
    """The text that a function of the user's gave, which is this option; `of` says for what.

    Raises:
        ConfigurationError: it gave something else.
    """
    if isinstance(value, str):
        return value
    if iscoroutine(value):
        value.close()
    raise ConfigurationError(
        f"{option}: it gave {type(value).__name__}{f' for {of}' if of else ''}; give a plain "
        "function that returns a string."
    )


def given_list(value: object, name: str, of: str = "", hint: str = "") -> list[Any]:
    """A list of what was given, our own, since the caller may change theirs meanwhile.

    `of` says what it has to hold; `hint` ends the message if it is no list.

    Raises:
        ConfigurationError: it is one text, mapping or model, or cannot be gone through.
    """
    # A model of pydantic's, as the frameworks' documents are, goes through its fields.
    is_one = isinstance(value, str | bytes | Mapping) or (
        isinstance(value, BaseModel) and type(value).__iter__ is BaseModel.__iter__
    )
    if is_one or not isinstance(value, Iterable):
        of = of and f" of {of}"
        raise ConfigurationError(f"{name}: give a list{of}, not {named_kind(value)}{hint}.")
    return list(value)


def named_kind(value: object) -> str:
    """What a value is, for an error: its type, or the class where brackets are missing."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _explain(error: ValidationError, model: type[BaseModel]) -> str:
    problems: list[str] = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = str(problem["loc"][0]) if problem["loc"] else model.__name__
        if problem["type"] == "extra_forbidden":
            problems.append(_unknown(name, model))
        else:
            problems.append(f"{name}: {_reason(problem['msg'])}")
    return "; ".join(problems)


def _unknown(name: str, model: type[BaseModel]) -> str:
    near = near_name(name, model.model_fields)
    hint = (
        f"did you mean {near}?"
        if near
        else f"{model.__name__} takes {', '.join(model.model_fields)}"
    )
    return f"Unknown option {name}; {hint}"


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")
