"""The same retriever and chain in a batch, streaming, and async.

Run it as it stands: python examples/langchain/streaming_and_batch.py
"""

import asyncio
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTIONS = [
    "Do I put oil on a belt?",
    "My disc brake squeals since yesterday",
    "How do I stop a squeaking rim brake?",
]
PROMPT = ChatPromptTemplate.from_template("{passages}\n\nQuestion: {question}")
ANSWER = "No. A belt is rinsed with water, and oil stays away from it."

passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]


def show(found: list[list[Document]]) -> None:
    """One line for each question: the best passage's score and heading."""
    for question, (best, *_) in zip(QUESTIONS, found, strict=True):
        heading = best.page_content.splitlines()[0]
        print(f"  {question:40} {best.metadata['relevance_score']:.2f}  {heading}")


async def stream(chain: Runnable) -> None:
    """Print the answer as it comes, a bar after each token."""
    async for token in chain.astream(QUESTIONS[0]):
        print(token.content, end="|", flush=True)
    print()


with service_or_local() as server:
    print(server.reason)
    store = InMemoryVectorStore.from_texts(passages, AssistersEmbeddings(base_url=server.base_url))
    reranker = AssistersRerank(base_url=server.base_url)
    retriever = RerankRetriever(
        base_retriever=store.as_retriever(search_kwargs={"k": 20}), reranker=reranker, top_n=3
    )
    model = GenericFakeChatModel(messages=iter([ANSWER]))  # yours here
    chain = {"passages": retriever, "question": RunnablePassthrough()} | PROMPT | model

    print("\nbatch, three questions side by side in threads:")
    show(retriever.batch(QUESTIONS))

    print("\nabatch, the same on the event loop, without a thread for each:")
    show(asyncio.run(retriever.abatch(QUESTIONS)))

    print("\nastream, token by token, once the rerank is done:")
    asyncio.run(stream(chain))

    usage = reranker.total_usage
    print(f"\n{usage.requests} rerank requests, {usage.documents_sent} passages scored")
