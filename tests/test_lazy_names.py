"""What an import loads at once and what at first use; what is exported; where a name is instead."""

from __future__ import annotations

import importlib
import pickle

import pytest

import assisters_rerank
import langchain_assisters
import llama_index_assisters
from assisters_rerank import local

from .core.fresh_interpreter import must_run

PACKAGES = (assisters_rerank, langchain_assisters, llama_index_assisters, local)
FRAMEWORKS = ("langchain_core", "llama_index")
EXTRAS = ("langchain", "langchain_classic", "starlette", "uvicorn", "wordllama", "typer", "bm25s")


@pytest.mark.parametrize(
    ("package", "needed", "spared"),
    [
        (
            "assisters_rerank",
            [],
            ["sqlite3", "semantic_text_splitter", "assisters_rerank.embedder",
             "assisters_rerank.call.embedding_flow", "assisters_rerank.options.embedding_options",
             "assisters_rerank.cache.sqlite_cache", "assisters_rerank.local", "aiohttp"],
        ),
        ("langchain_assisters", ["langchain_core"],
         ["assisters_rerank.embedder", "langchain_assisters.embeddings",
          "langchain_assisters.table"]),
        ("llama_index_assisters", ["llama_index"],
         ["assisters_rerank.embedder", "llama_index_assisters.embedding",
          "llama_index_assisters.table"]),
    ],
)  # fmt: skip
def test_an_import_loads_no_more_than_a_rerank_needs(
    package: str, needed: list[str], spared: list[str]
) -> None:
    script = """
    import importlib, sys
    package = importlib.import_module(sys.argv[1])
    print([name for name in sys.argv[2:] if name in sys.modules])
    for name in package.__all__:
        assert name in dir(package), name
        assert getattr(package, name) is vars(package)[name], name
    """
    loaded = must_run(script, package, *FRAMEWORKS, *EXTRAS, "trio", *spared)
    assert loaded == str(needed), "of the frameworks but its own, or of what has time"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_name_is_listed_and_can_be_had(package: object) -> None:
    names: list[str] = package.__all__  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    assert set(names) <= set(dir(package))
    assert all(getattr(package, name) is getattr(package, name) for name in names)


def test_a_star_import_hides_no_document_of_a_framework() -> None:
    names: dict[str, object] = {}
    exec("from langchain_core.documents import Document", names)
    theirs = names["Document"]
    for package in (assisters_rerank, langchain_assisters, llama_index_assisters):
        exec(f"from {package.__name__} import *", names)
    assert names["Document"] is theirs
    assert {"Embedder", "SqliteCache", "Reranker", "AssistersEmbeddings"} <= names.keys()
    exec("from assisters_rerank import Document", names)
    assert names["Document"] is assisters_rerank.Document is not theirs


def test_without_the_extra_for_agents_the_rest_of_langchains_names_is_there() -> None:
    script = """
    import sys
    from importlib.machinery import PathFinder

    class Without(PathFinder):
        @classmethod
        def find_spec(cls, name, *rest):
            return None if name == "langchain" else PathFinder.find_spec(name, *rest)

    sys.meta_path = [Without if each is PathFinder else each for each in sys.meta_path]
    from langchain_assisters import *
    print(AssistersRerank.__name__, AssistersEmbeddings.__name__)
    try:
        from langchain_assisters import RerankToolSelectorMiddleware
    except ModuleNotFoundError as error:
        print(error)
    """
    assert must_run(script).splitlines() == [
        "AssistersRerank AssistersEmbeddings",
        "RerankToolSelectorMiddleware needs the extra `agents`: "
        'pip install "assisters-rerank[agents]"',
    ]


@pytest.mark.parametrize(
    ("package", "name", "statements"),
    [
        (
            "assisters_rerank",
            "AssistersRerank",
            ["from langchain_assisters import AssistersRerank",
             "from llama_index_assisters import AssistersRerank"],
        ),
        ("assisters_rerank", "AssistersEmbeddings",
         ["from langchain_assisters import AssistersEmbeddings"]),
        ("assisters_rerank", "AssistersEmbedding",
         ["from llama_index_assisters import AssistersEmbedding"]),
        ("assisters_rerank", "RerankRetriever",
         ["from langchain_assisters import RerankRetriever"]),
        ("assisters_rerank", "RerankInput", ["from langchain_assisters import RerankInput"]),
        ("assisters_rerank", "LocalServer", ["from assisters_rerank.local import LocalServer"]),
        ("assisters_rerank", "service_or_local",
         ["from assisters_rerank.local import service_or_local"]),
        ("langchain_assisters", "Reranker", ["from assisters_rerank import Reranker"]),
        ("langchain_assisters", "Embedder", ["from assisters_rerank import Embedder"]),
        ("langchain_assisters", "AssistersEmbedding",
         ["from llama_index_assisters import AssistersEmbedding"]),
        ("llama_index_assisters", "Reranker", ["from assisters_rerank import Reranker"]),
        ("llama_index_assisters", "Embedder", ["from assisters_rerank import Embedder"]),
        ("llama_index_assisters", "AssistersEmbeddings",
         ["from langchain_assisters import AssistersEmbeddings"]),
        ("llama_index_assisters", "RerankRetriever",
         ["from langchain_assisters import RerankRetriever"]),
    ],
)  # fmt: skip
def test_a_name_of_another_package_says_where_it_is(
    package: str, name: str, statements: list[str]
) -> None:
    module = importlib.import_module(package)
    assert getattr(module, name, None) is None
    assert not hasattr(module, name)
    with pytest.raises(ImportError) as by_import:
        exec(f"from {package} import {name}")
    with pytest.raises(AttributeError) as by_attribute:
        getattr(module, name)
    assert str(by_import.value) == str(by_attribute.value)
    assert str(by_import.value).startswith(f"{package} has no {name}; ")
    for statement in statements:
        assert statement in str(by_import.value)
        exec(statement)


def test_an_unknown_name_is_reported_as_ever() -> None:
    with pytest.raises(ImportError, match=r"^cannot import name 'nothing' from 'assisters_rerank'"):
        exec("from assisters_rerank import nothing")
    with pytest.raises(AttributeError, match=r"^module 'assisters_rerank' has no attribute 'noth"):
        _ = assisters_rerank.nothing  # type: ignore[attr-defined]


def test_a_submodule_is_imported_as_ever() -> None:
    exec("from assisters_rerank import evaluate, local, plugins")


def test_what_was_loaded_late_is_pickled_by_its_own_module() -> None:
    embedder = assisters_rerank.Embedder(model="bge-base-en")
    assert pickle.loads(pickle.dumps(embedder)).model == "bge-base-en"
    script = """
    import pickle, sys
    print(pickle.loads(bytes.fromhex(sys.argv[1])).model)
    """
    assert must_run(script, pickle.dumps(embedder).hex()) == "bge-base-en"
