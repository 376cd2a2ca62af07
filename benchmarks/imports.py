"""What importing a plugin adds to importing what its user imports anyway."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from benchmarks.measure import Figure, show

PLUGINS = {
    "langchain_assisters": (
        "import langchain_core.documents, langchain_core.retrievers, langchain_core.runnables",
        15.0,
    ),
    "llama_index_assisters": (
        "import llama_index.core.postprocessor.types, llama_index.core.schema",
        20.0,
    ),
}


def run(rounds: int = 7) -> list[Figure]:
    """Per cent on top, medians over fresh interpreters."""
    figures = []
    for plugin, (framework, bar) in PLUGINS.items():
        _share(framework, plugin)  # compiles what is not compiled, as pip does when it installs
        shares = [_share(framework, plugin) for _ in range(rounds)]
        figures.append(Figure(f"import {plugin}, on top", statistics.median(shares), bar, "%"))
    return show("Imports, of the framework's own", figures)


def _share(framework: str, plugin: str) -> float:
    # Python looks for garbage among all objects when there are a quarter more of them. That takes
    # as long as the plugin's own import, and it is chance in whose import it falls next.
    code = (
        f"import gc, time; a = time.perf_counter(); {framework}; b = time.perf_counter(); "
        f"gc.collect(); c = time.perf_counter(); "
        f"import {plugin}; print((time.perf_counter() - c) / (b - a))"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    return 100 * float(printed.stdout)
