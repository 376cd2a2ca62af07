"""Prints all tables; `--smoke` runs less of each, and fails above twice a bar."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

from benchmarks import (
    caches,
    concurrency,
    embeddings,
    imports,
    long_lists,
    overhead,
    texts,
    tool_selection,
)


def main() -> None:
    """Runs the benchmarks."""
    smoke = "--smoke" in sys.argv
    names = ("httpx", "httpx-aiohttp", "pydantic", "langchain-core", "llama-index-core")
    print(f"Python {platform.python_version()},", *(f"{name} {version(name)}," for name in names))
    print("Texts:", texts.source())
    figures = overhead.run(60 if smoke else 400)
    figures += concurrency.run(1 if smoke else 5)
    figures += long_lists.run(1 if smoke else 5)
    figures += embeddings.run(1 if smoke else 5)
    figures += caches.run(60 if smoke else 400)
    figures += imports.run(3 if smoke else 9)
    figures += tool_selection.run(10 if smoke else 40)
    slow = [figure for figure in figures if figure.fails(2.0 if smoke else 1.0)]
    for figure in slow:
        print(f"too slow: {figure.row()}")
    if slow and smoke:
        sys.exit(1)


if __name__ == "__main__":
    main()
