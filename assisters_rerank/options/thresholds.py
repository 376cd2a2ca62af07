"""`score_threshold`: one number, or one for each model, since each has a scale of its own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter

from ..catalogue import CATALOGUE, may_answer
from ..errors import ConfigurationError
from ..settings import checked, no_bool

LeastScore = float | Mapping[str, float]
"""What a call takes: a number, or numbers by model id."""

_Number = Annotated[float, BeforeValidator(no_bool), Field(allow_inf_nan=False)]


def _kind(value: object) -> str:
    return "by model" if isinstance(value, Mapping) else "one"


# Told apart by hand, or an error would list what is wrong with it as each of the two.
ScoreThreshold = (
    Annotated[
        Annotated[_Number, Tag("one")] | Annotated[dict[str, _Number], Tag("by model")],
        Discriminator(_kind),
    ]
    | None
)

_RULE: TypeAdapter[float | dict[str, float] | None] = TypeAdapter(ScoreThreshold)


def checked_score_threshold(value: object, model: str) -> float | dict[str, float] | None:
    """A per-call `score_threshold`, checked by the same rules as the option.

    Raises:
        ConfigurationError: it breaks one.
    """
    threshold = checked(_RULE, value, "score_threshold")
    try:
        check_models(threshold, model)
    except ValueError as error:
        problem = str(error)
    else:
        return threshold
    raise ConfigurationError(f"score_threshold: {problem}")


def check_models(threshold: LeastScore | None, model: str) -> None:
    """Raises `ValueError` for numbers by model that lack a model, or name an unknown one."""
    if not isinstance(threshold, Mapping):
        return
    needed = may_answer(model)
    lacking = [each for each in needed if each not in threshold]
    if lacking:
        raise ValueError(
            f"there is no number for {' and '.join(lacking)}, which may answer with "
            f"model={model!r}; give {by_model(needed)}"
        )
    known = [*needed, *CATALOGUE]
    for name in threshold:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1) or needed
            raise ValueError(
                f"{name} is not in the catalogue and cannot answer with model={model!r}; did you "
                f"mean {near[0]}?"
            )


def threshold_for(threshold: LeastScore | None, model: str) -> float | None:
    """The number that holds for the scores of this model.

    Raises:
        ConfigurationError: there is none for it, after a change of the mapping itself.
    """
    if not isinstance(threshold, Mapping):
        return threshold
    if model not in threshold:
        raise ConfigurationError(f"score_threshold: there is no number for {model}; give one.")
    return threshold[model]


def by_model(models: tuple[str, ...], first: float | None = None) -> str:
    """The mapping to write, with the number that is known for the first model."""
    numbers = ["…" if first is None else f"{first:g}", *["…"] * (len(models) - 1)]
    pairs = zip(models, numbers, strict=True)
    return f"score_threshold={{{', '.join(f'{model!r}: {number}' for model, number in pairs)}}}"
