"""Command-line options made from the fields of `RerankOptions`: help, default and range are theirs.

There is none for the API key: an option would stay in the shell's history and show in the list of
processes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from ..catalogue import CATALOGUE
from ..errors import ConfigurationError
from ..options.rerank_options import RerankOptions
from ..wire.address import SERVICE_URL
from ..wire.destination import API_KEY_VARIABLE, BASE_URL_VARIABLE

# What matters on the command line, which has no option for the key.
_NOTES = {
    "base_url": f" The key of {API_KEY_VARIABLE} goes only to the service and to the host that "
    f"{BASE_URL_VARIABLE} names; for another server that needs it, set that variable instead.",
}


def option(name: str, *flags: str) -> Any:
    """The typer option of the field `name`, to stand in an `Annotated` type with default None.

    `flags` default to the field's name with dashes.
    """
    field = RerankOptions.model_fields[name]
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    suggestions = list(CATALOGUE) if name == "model" else list(choices)
    default = None if field.default_factory else field.default
    more = f" [default: {default}]" if default is not None else _NOTES.get(name, "")
    return typer.Option(
        *(flags or [f"--{name.replace('_', '-')}"]),
        help=f"{field.description}{more}",
        metavar="|".join(choices) or None,
        show_default=False,
        autocompletion=(lambda: suggestions) if suggestions else None,
        callback=_checked(name),
    )


def given_settings(context: typer.Context) -> dict[str, Any]:
    """The settings that the command line names; the others are left to `RerankOptions`."""
    return {
        name: value
        for name in RerankOptions.model_fields
        if (value := context.params.get(name)) is not None
    }


def check_cache(cache: Path | None, *, local: bool) -> None:
    """Raises `typer.BadParameter` for a cache in which nothing would be found again."""
    if local and cache is not None:
        raise typer.BadParameter(
            "--local and --cache exclude each other: the local server has another address at each "
            "run, so no score would be found again",
            param_hint="--cache",
        )


def _checked(name: str) -> Callable[[object], object]:
    def check(value: object) -> object:
        if value is not None:
            # An address of its own, so that a wrong variable is not blamed on this option.
            settings: dict[str, Any] = {"base_url": SERVICE_URL, name: value}
            try:
                RerankOptions(**settings)
            except ConfigurationError as error:
                raise typer.BadParameter(str(error).removeprefix(f"{name}: ")) from None
        return value

    return check
