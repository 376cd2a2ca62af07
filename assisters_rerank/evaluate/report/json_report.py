"""An evaluation as JSON and back, for scripts and for comparing runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from ..results import Evaluation

FORMAT = "assisters-rerank evaluation"
VERSION = 1
"""Raised when a key changes its meaning or is removed; new keys do not raise it."""


def to_json(evaluation: Evaluation) -> str:
    """The evaluation as one JSON object: `format`, `version`, and its attributes by their names.

    Raises:
        ValueError: a figure is NaN or infinite, which JSON cannot say; the message names it.
    """
    figures = asdict(evaluation)
    _refuse_infinite(figures, "evaluation")
    # Only ASCII: lone surrogates, which occur in texts from the web, can then be written and read.
    return json.dumps({"format": FORMAT, "version": VERSION, **figures}, indent=2) + "\n"


def from_json(text: str) -> Evaluation:
    """The evaluation that `to_json` wrote; its sequences are tuples.

    Raises:
        ValueError: it is not JSON, not an evaluation, or of a later version.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not valid JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'not an evaluation: "format" is not "{FORMAT}"')
    if content.get("version") != VERSION:
        raise ValueError(
            f"the evaluation has version {content.get('version')!r}; this reads {VERSION}"
        )
    try:
        return _EVALUATION.validate_python(_with_tuples(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"not an evaluation: {place}: {first['msg']}") from None


_EVALUATION = TypeAdapter(Evaluation)


def _refuse_infinite(value: object, place: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{place} is {value}, which JSON cannot say")
    if isinstance(value, Mapping):
        for name, part in value.items():
            _refuse_infinite(part, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            _refuse_infinite(part, f"{place}[{index}]")


def _with_tuples(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_with_tuples, value))
    if isinstance(value, dict):
        return {name: _with_tuples(part) for name, part in value.items()}
    return value
