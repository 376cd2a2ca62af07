"""The core needs httpx, pydantic and anyio alone, and each plugin only its own framework.

`tests/test_lazy_names.py` says what each of them imports.
"""

from __future__ import annotations

import pytest

from ..faults.server import HostileServer
from .fresh_interpreter import must_run

# Refuses everything that is an extra or a test's tool, as if it were not installed.
BARE = """
    import sys

    barred = {
        "aiohttp", "bm25s", "blockbuster", "hypothesis", "httpx_aiohttp", "langchain",
        "langchain_classic", "langchain_core", "langgraph", "langsmith", "llama_index",
        "numpy", "pytest", "rich", "starlette", "trio", "typer", "uvicorn", "wordllama",
    } - set(sys.argv[2:])
    sys.modules.update(dict.fromkeys(barred))
"""


def test_the_core_works_where_nothing_else_is_installed(honest_server: HostileServer) -> None:
    script = (
        BARE
        + """
    import asyncio, copy, pickle
    from assisters_rerank import *
    reranker = Reranker(base_url=sys.argv[1], max_documents_per_request=1)
    print(len(reranker.rerank("q", ["a", "b"])))
    print(len(asyncio.run(reranker.arerank("q", ["a", "b"]))))
    print(len(pickle.loads(pickle.dumps(copy.deepcopy(reranker))).rerank("q", ["a"])))
    """
    )
    assert must_run(script, honest_server.url).split() == ["2", "2", "1"]


@pytest.mark.parametrize(
    ("plugin", "needed"),
    [
        ("langchain_assisters", ("langchain_core", "langsmith")),
        ("llama_index_assisters", ("llama_index", "aiohttp", "numpy")),
    ],
)
def test_a_plugin_works_with_its_own_framework_alone(
    plugin: str, needed: tuple[str, ...], honest_server: HostileServer
) -> None:
    script = (
        BARE
        + f"""
    import {plugin}
    reranker = {plugin}.AssistersRerank(base_url=sys.argv[1])
    print(len(reranker.rerank("q", ["a", "b"])))
    """
    )
    assert must_run(script, honest_server.url, *needed) == "2"


@pytest.mark.parametrize(
    ("plugin", "missing", "extra"),
    [
        ("langchain_assisters", "langchain_core", "langchain"),
        ("llama_index_assisters", "llama_index", "llama-index"),
        ("llama_index_assisters", "llama_index.core", "llama-index"),
    ],
)
def test_a_plugin_without_its_framework_says_what_to_install(
    plugin: str, missing: str, extra: str
) -> None:
    assert f'pip install "assisters-rerank[{extra}]"' in import_without(plugin, missing)


def test_a_plugin_does_not_take_another_missing_package_for_its_framework() -> None:
    assert import_without("langchain_assisters", "langchain_core.documents") == "as it was"
    # Its name begins like the framework's.
    missing = "llama_index_instrumentation"
    assert import_without("llama_index_assisters", missing) == "as it was"


def import_without(plugin: str, missing: str) -> str:
    """What the error says when the plugin is imported where a package is not installed."""
    script = """
    import sys

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == sys.argv[2]:
                raise ModuleNotFoundError("as it was", name=name)

    sys.meta_path.insert(0, Missing())
    try:
        __import__(sys.argv[1])
    except ImportError as error:
        assert error.name == sys.argv[2]
        print(error)
    """
    return must_run(script, plugin, missing)


def test_importing_the_core_has_no_side_effects() -> None:
    script = """
    import sys, threading, warnings, ssl, socket
    import logging
    import httpx
    made = []
    for kind in (httpx.Client, httpx.AsyncClient, ssl.SSLContext, socket.socket):
        def noting(self, *arguments, _kind=kind, _init=kind.__init__, **named):
            made.append(_kind.__name__)
            _init(self, *arguments, **named)
        kind.__init__ = noting
    handlers = list(logging.root.handlers)
    before = dict(__import__("os").environ)
    warnings.simplefilter("error")
    import assisters_rerank
    reranker = assisters_rerank.Reranker(api_key="k")
    assert made == [], made
    assert threading.active_count() == 1
    assert logging.root.handlers == handlers
    assert logging.getLogger("assisters_rerank").handlers == []
    assert dict(__import__("os").environ) == before
    print("asyncio.run" in sys.modules or "ok")
    """
    assert must_run(script) == "ok"


def test_every_public_name_is_there() -> None:
    script = """
    import assisters_rerank
    names = assisters_rerank.__all__
    assert len(set(names)) == len(names)
    print(all(hasattr(assisters_rerank, name) for name in names))
    """
    assert must_run(script) == "True"
