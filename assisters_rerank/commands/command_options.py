"""Options of the command line for the fields of `RerankOptions`, which check what is given.

Their words are for the command line, and stand here, since reading them from the fields would make
`--help` wait for pydantic. There is none for the API key: an option would stay in the shell's
history and show in the list of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from ..catalogue import AUTO, CATALOGUE

RANKING = "Ranking"
INPUT = "Input"
OUTPUT = "Output"
SERVER = "Server"
PACE = "Time and pace"
KEPT = "Scores that are kept"


class Described(NamedTuple):
    """How `--help` shows a field: its group, what a value is, a sentence, and the default."""

    group: str
    metavar: str
    sentence: str
    default: object = None


FIELDS = {
    "model": Described(
        RANKING,
        "ID",
        "Model, as the server knows it; auto: the one with the wider window where a document "
        "needs it.",
        "bge-reranker-v2",
    ),
    "top_n": Described(RANKING, "N", "Only the N best; without it, all. 0: none, and no request."),
    "score_threshold": Described(
        RANKING,
        "[MODEL=]NUMBER",
        "Only documents with at least this score, before --top-n. MODEL=NUMBER holds for the "
        "scores of that model; repeat it for several.",
    ),
    "score_activation": Described(
        RANKING,
        "sigmoid",
        "sigmoid: map the server's scores to 0 to 1, for servers that answer in logits.",
    ),
    "long_documents": Described(
        RANKING,
        "as_is|truncate|split|error",
        "Documents beyond the model's window. as_is: the service cuts or refuses them; truncate: "
        "they are cut before; split: the best of their passages counts; error: nothing is sent.",
        "as_is",
    ),
    "max_tokens": Described(
        RANKING,
        "N",
        "The model's window: tokens of query and document together; else the catalogue's figure.",
    ),
    "max_passage_tokens": Described(
        RANKING,
        "N",
        "With --long-documents=split: most tokens of a passage; else what the window holds.",
    ),
    "token_margin": Described(
        RANKING,
        "SHARE",
        "How much more tokens than estimated a text may have where it is cut to the window; else 0 "
        "for the service's models, 0.15 for others.",
    ),
    "max_context_tokens": Described(
        RANKING,
        "N",
        "Only the best documents that together have at most N tokens; the best one is cut off if "
        "it has more.",
    ),
    "base_url": Described(
        SERVER,
        "URL",
        "Server, up to and without /rerank; else the variable ASSISTERS_BASE_URL, else the "
        "service, https://api.assisters.dev/v1. The key of ASSISTERS_API_KEY goes only to the "
        "service and to the host that ASSISTERS_BASE_URL names; for another server that needs it, "
        "set that variable instead.",
    ),
    "dialect": Described(
        SERVER,
        "assisters|tei|sglang|voyage|mixedbread|pinecone",
        "How the server words a rerank. Any but the first needs --model, and --base-url unless the "
        "provider has an address of its own.",
        "assisters",
    ),
    "extra_body": Described(
        SERVER,
        "JSON",
        "An object with further fields of every request, for what one server takes and others "
        "don't.",
    ),
    "on_error": Described(
        SERVER,
        "raise|passthrough",
        "After a failure that may pass. raise: an error; passthrough: the documents in their "
        "first order, without scores.",
        "raise",
    ),
    "timeout": Described(
        PACE, "SECONDS", "Time of each request; a long list may take longer.", 30.0
    ),
    "max_retries": Described(
        PACE,
        "N",
        "Retries of a request after a failure that may pass. Waits for a rate limit do not count; "
        "0: no wait for one either.",
        3,
    ),
    "max_documents_per_request": Described(
        PACE, "N", "Longer lists are split into requests of N documents.", 100
    ),
    "max_concurrency": Described(PACE, "N", "Requests under way at once.", 10),
    "requests_per_minute": Described(
        PACE, "N", "Most requests in any minute. The server's own limits are always obeyed."
    ),
    "tokens_per_minute": Described(PACE, "N", "Most tokens in any minute."),
}
"""By the field's name."""


def option(name: str, *flags: str) -> Any:
    """The typer option of the field `name`, to stand in an `Annotated` type with default None.

    `flags` default to the field's name with dashes.
    """
    field = FIELDS[name]
    choices = field.metavar.split("|") if "|" in field.metavar else []
    suggestions = [*CATALOGUE, AUTO] if name == "model" else choices
    more = "" if field.default is None else f" [default: {field.default}]"
    return typer.Option(
        *(flags or [f"--{name.replace('_', '-')}"]),
        help=f"{field.sentence}{more}",
        metavar=field.metavar,
        show_default=False,
        rich_help_panel=field.group,
        autocompletion=(lambda: suggestions) if suggestions else None,
        callback=_checked(name),
    )


def flag(name: str, group: str, sentence: str, short: str | None = None) -> Any:
    """The typer option of a switch."""
    names = [name] if short is None else [name, short]
    return typer.Option(*names, help=sentence, rich_help_panel=group)


def given_settings(context: typer.Context) -> dict[str, Any]:
    """The settings that the command line names; the others are left to `RerankOptions`."""
    given = {name: _as_the_field_has_it(name, context.params.get(name)) for name in FIELDS}
    return {name: value for name, value in given.items() if value is not None}


def check_one_server(*, local: bool, base_url: str | None, dialect: str | None) -> None:
    """Raises `typer.BadParameter` where two servers are named."""
    for name, given in (("--base-url", base_url), ("--dialect", dialect)):
        if local and given is not None:
            raise typer.BadParameter(f"--local and {name} exclude each other", param_hint="--local")


def check_cache(cache: Path | None, *, local: bool, no_cache: bool) -> None:
    """Raises `typer.BadParameter` for a cache in which nothing would be found again."""
    if no_cache and cache is not None:
        raise typer.BadParameter("--cache and --no-cache exclude each other", param_hint="--cache")
    if local and cache is not None:
        raise typer.BadParameter(
            "--local and --cache exclude each other: the local server has another address at each "
            "run, so no score would be found again",
            param_hint="--cache",
        )


def _json_object(text: str) -> dict[str, Any]:
    import json

    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"it is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise typer.BadParameter('give an object, such as {"priority": 1}')
    return value


def _thresholds(given: Sequence[str]) -> float | dict[str, float]:
    by_model: dict[str, float] = {}
    for each in given:
        model, _, number = each.rpartition("=")
        try:
            least = float(number)
        except ValueError:
            raise typer.BadParameter(f"{each}: give a number, or MODEL=NUMBER") from None
        if model in by_model:
            raise typer.BadParameter(f"{model or each}: give one number for each model")
        by_model[model] = least
    if "" not in by_model:
        return by_model
    if len(by_model) > 1:
        raise typer.BadParameter("give one number, or MODEL=NUMBER for each model")
    return by_model[""]


# What is written otherwise than the field has it.
_WRITTEN: Mapping[str, Callable[[Any], object]] = {
    "extra_body": _json_object,
    "score_threshold": _thresholds,
}


def _as_the_field_has_it(name: str, given: object) -> object:
    # Typer has an empty list for an option that can be repeated and is not given. Its own result
    # of a callback has to stay a list, so that this is not done once and for all there.
    if given is None or given == []:
        return None
    return _WRITTEN[name](given) if name in _WRITTEN else given


def _checked(name: str) -> Callable[[object], object]:
    def check(given: object) -> object:
        value = _as_the_field_has_it(name, given)
        if value is not None:
            from ..errors import ConfigurationError
            from ..options.rerank_options import RerankOptions
            from ..wire.address import SERVICE_URL

            # An address of its own, so that a wrong variable is not blamed on this option.
            settings: dict[str, Any] = {"base_url": SERVICE_URL, name: value}
            if name == "dialect":
                settings["model"] = "any"  # needed with it, and given by another option
            if name == "score_threshold" and isinstance(value, dict):
                return given  # checked with the model
            try:
                RerankOptions(**settings)
            except ConfigurationError as error:
                raise typer.BadParameter(str(error).removeprefix(f"{name}: ")) from None
        return given

    return check
