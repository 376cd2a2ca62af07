"""Collections made by asking real retrievers of LangChain and LlamaIndex."""

from __future__ import annotations

import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import MetadataMode, TextNode

from assisters_rerank import ConfigurationError
from assisters_rerank.evaluate.retrievers import collection_from_retriever

TEXTS = {"d1": "lift of a wing", "d2": "heat of a gas", "d3": "drag of a wing"}
QUESTIONS = [("wing drag", ["d3"]), ("heat", {"d2": 2, "d1": 0, "d9": 1})]
_WORDS = ["lift", "wing", "heat", "gas", "drag"]


def vector(text: str) -> list[float]:
    return [1e-3 + text.split().count(word) for word in _WORDS]


class WordEmbeddings(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return vector(text)


class WordEmbedding(BaseEmbedding):
    def _get_query_embedding(self, query: str) -> list[float]:
        return vector(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return vector(text)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return vector(query)


def langchain(documents: list[Document]):
    store = InMemoryVectorStore(WordEmbeddings())
    store.add_documents(documents)
    return store.as_retriever(search_kwargs={"k": 3})


def llama_index(nodes: list[TextNode]) -> BaseRetriever:
    index = VectorStoreIndex(nodes, embed_model=WordEmbedding())
    return index.as_retriever(similarity_top_k=3)


LANGCHAIN = [Document(text, id=name, metadata={"id": "other"}) for name, text in TEXTS.items()]
LLAMA_INDEX = [TextNode(text=text, id_=name) for name, text in TEXTS.items()]


@pytest.mark.parametrize(
    "retriever",
    [
        langchain(LANGCHAIN),
        RunnableLambda(lambda question: question.upper().lower()) | langchain(LANGCHAIN),
        llama_index(LLAMA_INDEX),
    ],
    ids=["LangChain", "a chain", "LlamaIndex"],
)
def test_real_retrievers(retriever: object) -> None:
    collection, candidates = collection_from_retriever(retriever, QUESTIONS, 2, name="wings")
    assert candidates == {"1": ["d3", "d1"], "2": ["d2", candidates["2"][1]]}
    assert collection.name == "wings"
    assert collection.documents == {name: TEXTS[name] for name in collection.documents}
    assert collection.queries == {"1": "wing drag", "2": "heat"}
    assert collection.qrels == {"1": {"d3": 1}, "2": {"d2": 2, "d1": 0, "d9": 1}}
    assert collection.missing == 1


def test_ids_in_metadata() -> None:
    retriever = langchain([Document(text, metadata={"url": n}) for n, text in TEXTS.items()])
    # The store gives ids of its own, which nobody can have named in the questions.
    with pytest.raises(ConfigurationError, match=r"look like 'd3', the retrieved ones .*id_of"):
        collection_from_retriever(retriever, QUESTIONS)
    _, candidates = collection_from_retriever(
        retriever, QUESTIONS, id_of=lambda document: document.metadata["url"]
    )
    assert candidates["1"] == ["d3", "d1", "d2"]

    found = [Document(text, metadata={"id": name}) for name, text in TEXTS.items()]
    _, candidates = collection_from_retriever(RunnableLambda(lambda _: found), QUESTIONS)
    assert candidates["1"] == ["d1", "d2", "d3"]


def test_nodes_as_the_plugin_sends_them() -> None:
    nodes = [
        TextNode(
            text=text,
            id_=name,
            metadata={"source": "wind tunnel", "page": 3},
            excluded_embed_metadata_keys=["page"],
        )
        for name, text in TEXTS.items()
    ]
    collection, _ = collection_from_retriever(llama_index(nodes), QUESTIONS)
    assert collection.documents["d1"] == nodes[0].get_content(MetadataMode.EMBED)
    assert collection.documents["d1"] == "source: wind tunnel\n\nlift of a wing"
    collection, _ = collection_from_retriever(
        llama_index(nodes), QUESTIONS, text_of=lambda found: found.node.text
    )
    assert collection.documents == TEXTS


def test_a_document_found_twice_counts_once() -> None:
    found = [LANGCHAIN[2], LANGCHAIN[2], LANGCHAIN[1]]
    _, candidates = collection_from_retriever(RunnableLambda(lambda _: found), QUESTIONS, 2)
    assert candidates["1"] == ["d3", "d2"]


def test_a_question_that_finds_nothing() -> None:
    retriever = RunnableLambda(lambda question: LANGCHAIN[1:2] if question == "heat" else [])
    _, candidates = collection_from_retriever(retriever, QUESTIONS)
    assert candidates == {"1": [], "2": ["d2"]}
    with pytest.raises(ConfigurationError, match="the retrieved ones are none"):
        collection_from_retriever(RunnableLambda(lambda _: []), QUESTIONS)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (Document("x"), r"question 1: a retrieved Document has the id None; give id_of"),
        (Document("x", metadata={"id": 3}), r"has the id 3; give id_of"),
        ("x", r"a retrieved str has the id None"),
    ],
)
def test_what_has_no_id(found: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        collection_from_retriever(RunnableLambda(lambda _: [found]), QUESTIONS)


def test_what_has_no_text() -> None:
    with pytest.raises(ConfigurationError, match="it gave a dict, which is no document"):
        collection_from_retriever(RunnableLambda(lambda _: [{}]), QUESTIONS, id_of=lambda _: "d")


def test_one_id_for_two_texts() -> None:
    found = [Document("one passage", id="d1"), Document("another", id="d1")]
    with pytest.raises(ConfigurationError, match="the id 'd1' stands for different texts"):
        collection_from_retriever(RunnableLambda(lambda _: found), QUESTIONS)


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ([], "questions: the list is empty; give at least one"),
        ([("x", ["d1"]), (" ", ["d1"])], "question 2: the question is ' '"),
        ([("x", "d1")], "question 1: give a list of relevant ids or grades by id, not 'd1'"),
        ([("x", None)], "question 1: give a list of relevant ids or grades by id, not None"),
        ([("x", [])], "question 1: no document is relevant to it"),
        ([("x", {"d1": 0})], "question 1: no document is relevant to it"),
        ([("x", [1])], "question 1: ids must be strings and grades whole numbers, not 1 and 1"),
        ([("x", {"d1": 0.5})], "not 'd1' and 0.5"),
    ],
)
def test_bad_questions(questions: list[tuple[str, list[str]]], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        collection_from_retriever(RunnableLambda(lambda _: LANGCHAIN), questions)


def test_what_is_no_retriever() -> None:
    with pytest.raises(ConfigurationError, match="list has neither LangChain's `invoke`"):
        collection_from_retriever([], QUESTIONS)
    with pytest.raises(ConfigurationError, match="depth: give at least 1, not"):
        collection_from_retriever(RunnableLambda(lambda _: LANGCHAIN), QUESTIONS, 0)
