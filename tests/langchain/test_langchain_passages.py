"""`content="passages"`: documents that come back cut down to their best passage."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_classic.chains.combine_documents import create_stuff_documents_chain
from langchain_classic.chains.retrieval import create_retrieval_chain
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import DocumentCompressorPipeline
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable

from assisters_rerank import ConfigurationError, Ranking
from assisters_rerank.local import LocalServer
from assisters_rerank.plugins import Cutting
from langchain_assisters import AssistersRerank, RerankRetriever
from langchain_assisters.documents import scored

from ..plugins.cases import KEY, QUERY, TEXTS
from ..plugins.long import ANSWER, CLOSING, CUT, LONG, OPENING, OTHER, SHORT, SPLIT
from ..plugins.passage_scores import TEXTS as ANY_TEXTS
from ..plugins.passage_scores import THRESHOLDS, ranking_of


class Page(Document):
    """A user's own kind of document."""

    number: int


class FirstStage(BaseRetriever):
    """All documents, in the order in which they are kept."""

    documents: list[Document]

    def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
        return list(self.documents)


class Reader(GenericFakeChatModel):
    """A chat model that keeps what it read."""

    read: list[list[BaseMessage]]

    def _generate(self, messages: list[BaseMessage], *args: Any, **options: Any) -> Any:
        self.read.append(list(messages))
        return super()._generate(messages, *args, **options)


@pytest.fixture
def documents() -> list[Document]:
    return [
        Document(page_content=OTHER, id="other"),
        Page(page_content=LONG, id="long", number=7, metadata={"title": "Commands", "tags": []}),
        Document(page_content=SHORT, id="short", metadata={"title": "Shells"}),
    ]


@pytest.fixture
def cutting(server: LocalServer) -> Callable[..., AssistersRerank]:
    def made(**options: Any) -> AssistersRerank:
        return AssistersRerank(base_url=server.base_url, api_key=KEY, **{**CUT, **options})

    return made


Compressors = Callable[..., AssistersRerank]


async def compressed(
    colour: str, compressor: BaseDocumentCompressor, documents: Sequence[Document]
) -> dict[str | None, Document]:
    """The results by their ids; the input must stay as it was."""
    before = copy.deepcopy(list(documents))
    if colour == "sync":
        found = compressor.compress_documents(documents, QUERY)
    else:
        found = await compressor.acompress_documents(documents, QUERY)
    assert list(documents) == before
    return {document.id: document for document in found}


async def run(colour: str, runnable: Runnable[Any, Any], given: Any) -> Any:
    return runnable.invoke(given) if colour == "sync" else await runnable.ainvoke(given)


def assert_cut(document: Document, original: str = LONG, answer: str = ANSWER) -> None:
    """It is the passage with the answer, and stands where its metadata say."""
    [[start, end, score]] = document.metadata["passages"]
    assert score == document.metadata["relevance_score"]
    assert document.page_content == original[start:end]
    assert answer in document.page_content
    assert document.page_content == document.page_content.strip()
    assert len(document.page_content) < len(original) / 2


def assert_whole(document: Document, original: str) -> None:
    assert document.page_content == original
    assert "passages" not in document.metadata
    assert document.metadata.keys() & {"relevance_score", "rerank_degraded"}


async def test_long_documents_are_cut_and_short_ones_stay_whole(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    found = await compressed(colour, cutting(), documents)
    assert_cut(found["long"])
    assert found["other"].page_content in OTHER
    assert found["other"].page_content != OTHER
    assert_whole(found["short"], SHORT)


async def test_the_order_and_the_scores_are_those_of_the_whole_documents(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    cut = await compressed(colour, cutting(), documents)
    whole = await compressed(colour, cutting(content="document"), documents)
    assert list(cut) == list(whole)
    for name, document in whole.items():
        assert document.metadata["relevance_score"] == cut[name].metadata["relevance_score"]
        assert_whole(document, next(d.page_content for d in documents if d.id == name))


async def test_id_subclass_and_metadata_are_kept(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    page = (await compressed(colour, cutting(), documents))["long"]
    assert isinstance(page, Page)
    assert page.number == 7
    ours = {"relevance_score", "passages"}
    assert page.metadata.keys() - ours == {"title", "tags"}
    assert page.metadata is not documents[1].metadata


async def test_the_passage_has_the_score_that_it_has_alone(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    found = (await compressed(colour, cutting(), documents))["long"]
    [alone] = cutting().rerank(QUERY, [found.page_content])
    assert found.metadata["relevance_score"] == alone.relevance_score


@pytest.mark.parametrize(
    "text",
    [
        lambda d: f"{d.metadata.get('title', '')}\n\n{d.page_content}",
        lambda d: f"{d.metadata.get('title', '')}\n{d.page_content}".strip(),
        lambda d: d.page_content.strip(),
        lambda d: f"{d.page_content}\n\n{d.metadata.get('title', '')}",
    ],
    ids=["title before", "stripped", "stripped alone", "title behind"],
)
async def test_spans_are_the_contents_own_whatever_is_sent_around_it(
    text: Callable[[Document], str], colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    assert_cut((await compressed(colour, cutting(text=text), documents))["long"])


async def test_a_passage_that_begins_before_the_content_is_cut_to_the_content(
    colour: str, cutting: Compressors
) -> None:
    document = Document(page_content=f"  {ANSWER}\n\n{OTHER}", id="long")
    compressor = cutting(text=lambda d: f"About commands.\n{d.page_content}")
    found = (await compressed(colour, compressor, [document]))["long"]
    assert_cut(found, document.page_content)
    assert found.metadata["passages"][0][0] == 2


@pytest.mark.parametrize(
    "text",
    [
        lambda d: LONG.upper(),
        lambda d: f"{ANSWER}\n\n{OTHER}\n\n{OTHER}\n\n{d.page_content}",
    ],
    ids=["something else", "the best passage is not of the content"],
)
async def test_the_whole_document_comes_back_where_the_passage_is_none_of_its_own(
    text: Callable[[Document], str], colour: str, cutting: Compressors
) -> None:
    found = await compressed(colour, cutting(text=text), [Document(page_content=OTHER, id="other")])
    assert_whole(found["other"], OTHER)


async def test_text_in_other_scripts_is_counted_in_characters(
    colour: str, cutting: Compressors
) -> None:
    other = "村の塀は毎年ちがう色に塗られた。🎨" * 20
    text = f"{other}\n\n{ANSWER} 😀\n\n{other}\ud800"
    found = await compressed(colour, cutting(), [Document(page_content=text, id="long")])
    assert_cut(found["long"], text)


async def test_a_second_cut_tells_where_it_stands_in_the_first_text(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    once = await compressed(colour, cutting(max_tokens=200), documents)
    twice = await compressed(colour, cutting(max_tokens=50), list(once.values()))
    assert_cut(once["long"])
    assert_cut(twice["long"])
    assert len(twice["long"].page_content) < len(once["long"].page_content)


@pytest.mark.parametrize("options", [{}, {"content": "document"}, {"max_tokens": None}])
async def test_a_second_rerank_of_cut_documents_keeps_their_spans(
    options: dict[str, Any], colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    once = await compressed(colour, cutting(), documents)
    twice = await compressed(colour, cutting(**options), list(once.values()))
    assert twice.keys() == once.keys()
    for name, document in twice.items():
        assert document == once[name]


async def test_spans_that_are_about_another_text_are_replaced(
    colour: str, cutting: Compressors
) -> None:
    stale = {"passages": [[5_000, 5_010, 0.5]]}
    document = Document(page_content=LONG, id="long", metadata=stale)
    assert_cut((await compressed(colour, cutting(), [document]))["long"])


async def test_a_passthrough_cuts_nothing(
    colour: str, dead_url: str, documents: list[Document]
) -> None:
    compressor = AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=0, **CUT)
    found = await compressed(colour, compressor, documents)
    assert list(found) == ["other", "long", "short"]
    for document in documents:
        assert_whole(found[str(document.id)], document.page_content)


@pytest.mark.parametrize("on_error", ["raise", "passthrough"])
@pytest.mark.parametrize("long_documents", ["truncate", "error"])
async def test_it_is_refused_where_no_passages_are_scored(
    long_documents: str,
    on_error: str,
    colour: str,
    cutting: Compressors,
    documents: list[Document],
    no_request: Callable[..., Any],
) -> None:
    compressor = cutting(long_documents=long_documents, on_error=on_error)
    with no_request(), pytest.raises(ConfigurationError, match=r"content='passages'.*split"):
        await compressed(colour, compressor, documents)


async def test_options_can_be_changed_one_after_the_other(
    colour: str, compressor: AssistersRerank, documents: list[Document]
) -> None:
    compressor.content = "passages"
    compressor.long_documents = "split"
    compressor.max_tokens = SPLIT["max_tokens"]
    assert_cut((await compressed(colour, compressor, documents))["long"])


@pytest.mark.parametrize("around", ["compression", "pipeline", "retriever", "runnable"])
async def test_inside_langchains_own_parts(
    around: str, colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    first_stage, compressor = FirstStage(documents=documents), cutting(top_n=2)
    pipeline = DocumentCompressorPipeline(transformers=[compressor])
    given: Any = {"query": QUERY, "documents": documents} if around == "runnable" else QUERY
    part: dict[str, Runnable[Any, Any]] = {
        "compression": ContextualCompressionRetriever(
            base_compressor=compressor, base_retriever=first_stage
        ),
        "pipeline": ContextualCompressionRetriever(
            base_compressor=pipeline, base_retriever=first_stage
        ),
        "retriever": RerankRetriever(base_retriever=first_stage, reranker=compressor),
        "runnable": compressor,
    }
    found = {document.id: document for document in await run(colour, part[around], given)}
    assert len(found) == 2
    assert_cut(found["long"])
    assert_whole(found["short"], SHORT)
    assert documents[1].page_content == LONG


async def test_two_compressors_in_a_pipeline_give_one_span(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    pipeline = DocumentCompressorPipeline(
        transformers=[cutting(max_tokens=200, top_n=2), cutting(max_tokens=50, top_n=1)]
    )
    [found] = (await compressed(colour, pipeline, [documents[0], documents[1]])).values()
    assert_cut(found)


async def test_the_model_reads_the_passage_and_not_the_rest(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    model = Reader(messages=iter([AIMessage("Start it.")]), read=[])
    prompt = ChatPromptTemplate.from_template("{context}\n\n{input}")
    retriever = RerankRetriever(
        base_retriever=FirstStage(documents=documents), reranker=cutting(top_n=2)
    )
    chain = create_retrieval_chain(retriever, create_stuff_documents_chain(model, prompt))
    await run(colour, chain, {"input": QUERY})
    [[message]] = model.read
    assert ANSWER in message.content
    assert SHORT in message.content
    assert OPENING not in message.content
    assert CLOSING not in message.content
    assert "passages" not in message.content


async def test_short_documents_are_untouched_by_it(
    colour: str, cutting: Compressors, server: LocalServer
) -> None:
    documents = [Document(page_content=text, id=text) for text in TEXTS]
    plain = AssistersRerank(base_url=server.base_url, api_key=KEY)
    assert await compressed(colour, cutting(), documents) == await compressed(
        colour, plain, documents
    )


@given(ANY_TEXTS, st.sampled_from(["{t}\n{c}", "{c}\n{t}", "{c}{c}", "{t}"]), THRESHOLDS, st.data())
def test_spans_give_back_the_content_whatever_is_sent_and_however_often(
    own: str, template: str, threshold: float | None, data: st.DataObject
) -> None:
    document = Document(own, metadata={"title": own[:9]})
    for _ in range(3):
        sent = template.format(t=document.metadata["title"], c=document.page_content)
        ranked = ranking_of(sent, data)
        [found] = scored([document], Ranking((ranked,), "m"), Cutting(threshold))
        spans = found.metadata.get("passages", [[0, len(own), 0]])
        assert found.page_content == " … ".join(own[start:end] for start, end, _ in spans)
        assert {score for _, _, score in spans} <= {0, *(each.score for each in ranked.passages)}
        document = found


async def test_all_passages_at_or_above_the_threshold_come_back(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    text = f"{ANSWER}\n\n{LONG.strip()}"
    given_one = [Document(text, id="long")]
    options = {"max_passage_tokens": 20, "max_tokens": None}
    found = await compressed(colour, cutting(passage_threshold=0.5, **options), given_one)
    [(start, end, score), (other, last, _)] = found["long"].metadata["passages"]
    assert found["long"].page_content == f"{text[start:end]} … {text[other:last]}"
    assert found["long"].page_content.count(ANSWER) == 2
    assert score == found["long"].metadata["relevance_score"]
    all_of_it = await compressed(colour, cutting(passage_threshold=-1, **options), given_one)
    assert all_of_it["long"].page_content == text
    only_best = await compressed(colour, cutting(passage_threshold=2, **options), given_one)
    assert only_best == await compressed(colour, cutting(**options), given_one)


async def test_a_threshold_without_passages_is_refused(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    with pytest.raises(ConfigurationError, match=r"passage_threshold: .*content='passages'"):
        await compressed(colour, cutting(content="document", passage_threshold=0.5), documents)


async def test_scores_of_an_earlier_pass_are_renewed(
    colour: str, cutting: Compressors, dead_url: str, documents: list[Document]
) -> None:
    cut = (await compressed(colour, cutting(), documents))["long"]
    [[start, end, _]] = cut.metadata["passages"]
    other = cut.model_copy(update={"metadata": {"passages": [[start, end, 7.5]]}})
    again = (await compressed(colour, cutting(), [other]))["long"]
    assert again.metadata["passages"] == [[start, end, again.metadata["relevance_score"]]]
    passing = AssistersRerank(base_url=dead_url, on_error="passthrough", max_retries=0, **CUT)
    degraded = (await compressed(colour, passing, [other]))["long"]
    assert degraded.metadata["passages"] == [[start, end, None]]


async def test_a_best_passage_that_fits_alone_is_not_cut_again_for_what_is_around_it(
    colour: str, cutting: Compressors, documents: list[Document]
) -> None:
    title = "Of commands and how they are run. " * 2

    def before(document: Document) -> str:
        return f"{title}{document.page_content}"

    def behind(document: Document) -> str:
        return f"{document.page_content} {title}"

    for text in (before, behind):
        for window in (50, 80, 120):
            compressor = cutting(text=text, max_tokens=window)
            once = await compressed(colour, compressor, documents[1:2])
            assert_cut(once["long"])
            twice = await compressed(colour, compressor, list(once.values()))
            assert twice["long"].page_content == once["long"].page_content
            place, again = (each["long"].metadata["passages"][0][:2] for each in (once, twice))
            assert again == place
