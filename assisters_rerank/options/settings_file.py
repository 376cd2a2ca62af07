"""Settings of rerankers in TOML files, which hold no key."""

from __future__ import annotations

import os
import tomllib
from os import PathLike
from typing import Any

from ..errors import ConfigurationError
from .rerank_options import RerankOptions

_KEY_VARIABLE = "key_variable"
_TABLES = ("reranker", "first_stage")


def read_settings(path: str | PathLike[str]) -> dict[str, Any]:
    """The options in the table `[reranker]` of a file.

    The file may have a table `[first_stage]` with `candidates` too: how many to ask the first
    stage for.

    Raises:
        ConfigurationError: naming the file: it cannot be read, is not TOML, has an unknown table,
            or an option that does not belong into a file, such as the key.
    """
    content = _toml(path)
    for name, table in content.items():
        if name not in _TABLES or not isinstance(table, dict):
            raise ConfigurationError(
                f"{path}: {name!r} is not known; the tables are [reranker] and [first_stage]."
            )
    first_stage = content.get("first_stage", {})
    candidates = first_stage.get("candidates", 1)
    if first_stage.keys() - {"candidates"} or type(candidates) is not int or candidates < 1:
        raise ConfigurationError(
            f"{path}: [first_stage] takes candidates, a whole number from 1 on, and nothing else."
        )
    if "reranker" not in content:
        raise ConfigurationError(f"{path}: there is no table [reranker] in it.")
    return _options(content["reranker"], f"{path}: [reranker]")


def read_rerankers(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """The options of each table `[[reranker]]` of a file, with its key.

    A table's `key_variable` names the environment variable that holds its key.

    Raises:
        ConfigurationError: naming the file: as `read_settings`; or a variable is not set.
    """
    tables = _toml(path)
    found = tables.pop("reranker", None)
    if tables or not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ConfigurationError(
            f"{path}: give a table [[reranker]] for each reranker, and nothing else."
        )
    rerankers = []
    for place, table in enumerate(found, 1):
        label = f"{path}: [[reranker]] {place}"
        variable = table.pop(_KEY_VARIABLE, None)
        options = _options(table, label)
        if variable is not None:
            if not isinstance(variable, str) or not os.environ.get(variable):
                raise ConfigurationError(
                    f"{label}: {_KEY_VARIABLE} names {variable!r}, and no environment variable of "
                    "this name is set; set it to the key."
                )
            options["api_key"] = os.environ[variable]
        rerankers.append(options)
    return rerankers


def _toml(path: str | PathLike[str]) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: it is not TOML: {error}.") from None


def _options(table: dict[str, Any], label: str) -> dict[str, Any]:
    for name in table:
        field = RerankOptions.model_fields.get(name)
        if field is not None and field.exclude:
            raise ConfigurationError(
                f"{label}: {name} cannot stand in a file; a key belongs into an environment "
                "variable, objects and headers into code."
            )
    return table
