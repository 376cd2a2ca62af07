"""Files that a command writes: each can be written, and none takes the place of another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import typer


def check_distinct(written: Mapping[str, Path | None], read: Mapping[str, Path | None]) -> None:
    """Raises `typer.BadParameter` if an option names a file that another one writes.

    Args:
        written: the options whose files are written, with what they name.
        read: those whose files are only read.
    """
    seen: dict[str, Path] = {}
    for option, file in {**read, **written}.items():
        if file is None:
            continue
        for other, same in seen.items():
            if option in written and _is_same(file, same):
                raise typer.BadParameter(
                    f"{other} and {option} name the same file, {file}; give two",
                    param_hint=option,
                )
        seen[option] = file


def check_writable(file: Path | None, option: str) -> None:
    """Raises `typer.BadParameter` if a file cannot be written."""
    if file is None:
        return
    if file.is_dir():
        raise typer.BadParameter(f"{file} is a folder", param_hint=option)
    if not file.parent.is_dir():
        raise typer.BadParameter(f"the folder does not exist: {file.parent}", param_hint=option)
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        problem = f"{file} cannot be written; choose another file"
        raise typer.BadParameter(problem, param_hint=option)


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
