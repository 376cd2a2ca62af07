"""What `--local` means: the settings of a reranker that asks a local server, at no cost."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from ..catalogue import CATALOGUE


def local_settings(stack: ExitStack, models: Iterable[str | None]) -> dict[str, Any]:
    """The address of a local server, which runs until the stack ends, and prices of nothing."""
    from ..local import service_or_local  # needs the extra `local`

    base_url = stack.enter_context(service_or_local(local=True)).base_url
    return {"base_url": base_url, "prices": prices_of_nothing(models)}


def prices_of_nothing(models: Iterable[str | None]) -> dict[str, float]:
    """A price of 0 for the service's models, and for those that a command names."""
    return dict.fromkeys([*CATALOGUE, *filter(None, models)], 0.0)
