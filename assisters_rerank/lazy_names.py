"""Names of a package that are loaded at first use (PEP 562), and where others are to be found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it, without the time that `typing` takes
if TYPE_CHECKING:
    from typing import Any


def lazy_names(
    package: str,
    public: Sequence[str],
    modules: Mapping[str, str] | None = None,
    elsewhere: Mapping[str, str] | None = None,
    needs: tuple[str, Sequence[str]] = ("", ()),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The package's `__getattr__` and `__dir__`.

    Args:
        package: its `__name__`.
        public: its `__all__`.
        modules: the module of each name that is loaded at first use.
        elsewhere: names that users look for here, and the statements that import them.
        needs: what is said where one of these packages of an extra is missing.
    """
    modules, elsewhere = modules or {}, elsewhere or {}

    def get(name: str) -> Any:
        if name in modules:
            try:
                value = getattr(import_module(f"{package}.{modules[name]}"), name)
            except ModuleNotFoundError as error:
                advice, packages = needs
                if error.name not in packages:
                    raise
                raise ModuleNotFoundError(advice, name=error.name) from error
            setattr(sys.modules[package], name, value)  # the next use finds it there
            return value
        if name in elsewhere:
            problem = f"{package} has no {name}; write {elsewhere[name]}"
            # Only an ImportError comes through `from … import …`, which replaces the message of an
            # AttributeError by its own; everything else, such as hasattr, is to get the latter.
            if sys._getframe(1).f_code.co_name == "_handle_fromlist":
                raise ImportError(problem, name=package)
            raise AttributeError(problem, name=name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *public})

    return get, names
