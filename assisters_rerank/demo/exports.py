"""Which definitions a package offers under its own name, read from its `__init__.py`.

`asyncio.wait_for` is defined in `asyncio/tasks.py` and, in some Pythons, `pathlib.Path` in
`pathlib/_local.py`: users know neither file.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from pathlib import Path


def parsed(path: Path) -> ast.Module | None:
    """The syntax tree of a source file; `None` if it cannot be read, decoded or parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def exports(package: ast.Module | None) -> Mapping[str, frozenset[str]]:
    """Per module of the package: the names that `__init__.py` imports from it, or `*`."""
    found: dict[str, frozenset[str]] = {}
    for node in package.body if package is not None else ():
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module is not None:
            # A renamed import is offered under its new name, which is no definition of the module.
            names = {alias.name for alias in node.names if alias.asname in (None, alias.name)}
            found[node.module] = found.get(node.module, frozenset()) | names
    return found


def is_exported(name: str, exported: frozenset[str], module: ast.Module) -> bool:
    """Whether `name`, defined in `module`, is among what its package imports from there."""
    if name in exported:
        return True
    listed = _all_of(module)
    return "*" in exported and (listed is None or name in listed)


def _all_of(module: ast.Module) -> frozenset[str] | None:
    """`__all__`, where it is written out."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            try:
                return frozenset(ast.literal_eval(node.value))
            except (ValueError, TypeError):
                return None
    return None
