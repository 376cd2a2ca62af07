"""The reference: a page for each package, an entry for each public name."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from types import ModuleType

from pydantic import BaseModel

from . import PACKAGES
from .option_tables import option_table

# Users need no entry for what the options' own base classes do for one another.
_INSIDE = ("assisters_rerank.options", "assisters_rerank.settings", "assisters_rerank.wire")


@cache
def api_pages() -> dict[str, str]:
    """The Markdown of each page by its place in the site."""
    return {place_of(package): _page(import_module(package)) for package in PACKAGES}


def place_of(package: str) -> str:
    """Where the page of a package stands."""
    return f"api/{package.replace('.', '-')}.md"


def _page(module: ModuleType) -> str:
    about = (module.__doc__ or "").partition("\n")[0]
    entries = [_entry(module, name) for name in module.__all__]
    return "\n\n".join([f"# {module.__name__}", about, *entries]) + "\n"


def _entry(module: ModuleType, name: str) -> str:
    path, value = f"{module.__name__}.{name}", getattr(module, name)
    if not (isinstance(value, type) and issubclass(value, BaseModel)):
        members = _members(value) if isinstance(value, type) else []
        return _directive(path, 2, members)
    methods = [_directive(f"{path}.{member}", 3, []) for member in _members(value)]
    return "\n\n".join([_directive(path, 2, []), option_table(value), *methods])


def _members(kind: type) -> list[str]:
    """The public methods and properties that our own code gives a class."""
    fields = getattr(kind, "model_fields", {})
    return [
        name
        for name in dict.fromkeys(name for base in kind.__mro__ for name in vars(base))
        if not name.startswith("_") and name not in fields and _is_ours(kind, name)
    ]


def _is_ours(kind: type, name: str) -> bool:
    owner = next(base for base in kind.__mro__ if name in vars(base))
    value = inspect.getattr_static(kind, name)
    value = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    inside = owner.__module__.startswith(_INSIDE) and owner is not kind
    package = owner.__module__.partition(".")[0]
    ours = package in {each.partition(".")[0] for each in PACKAGES}
    # `model_…` are pydantic's names, and made by it.
    return (
        ours
        and not inside
        and not name.startswith("model_")
        and inspect.isfunction(value)
        and bool(value.__doc__)
    )


def _directive(path: str, level: int, members: list[str]) -> str:
    listed = f"[{', '.join(members)}]" if members else "false"
    options = {"heading_level": level, "members": listed, "inherited_members": listed}
    return "\n".join(
        [
            f"::: {path}",
            "    options:",
            *(f"      {name}: {value}" for name, value in options.items()),
        ]
    )
