"""The fields of a request's body that both endpoints read, and how a wrong one is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .refusal import Refusal


def model_of(fields: Mapping[str, object], known: Sequence[str] | None) -> str:
    """The field `model`; raises `Refusal` for one that is not `known` (`None`: all are)."""
    model = required(fields, "model")
    if not isinstance(model, str):
        raise invalid("model", "has to be a string")
    if known is not None and model not in known:
        raise Refusal(
            400, "invalid_model", f"There is no model {model!r}; try one of {known}.", "model"
        )
    return model


def required(fields: Mapping[str, object], name: str) -> object:
    """A field that has to be there; raises `Refusal` if it is absent or null."""
    value = fields.get(name)
    if value is None:
        raise Refusal(400, "missing_parameter", f"`{name}` is required.", name)
    return value


def invalid(name: str, problem: str) -> Refusal:
    """The refusal of a field that is present but cannot be used."""
    return Refusal(400, "invalid_parameter", f"`{name}` {problem}.", name)
