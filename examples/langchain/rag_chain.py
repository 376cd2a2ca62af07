"""A RAG chain: a vector store finds 20 passages, and the prompt gets the 3 that rerank best.

Run it as it stands: python examples/langchain/rag_chain.py
"""

from pathlib import Path

from langchain_core.documents import Document
from langchain_core.language_models import ParrotFakeChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "My disc brake squeals since yesterday. What is it?"
PROMPT = ChatPromptTemplate.from_template(
    "Answer from these passages alone.\n\n{context}\n\nQuestion: {question}"
)


def as_context(documents: list[Document]) -> str:
    """The passages as one text, the best one first."""
    return "\n\n".join(document.page_content for document in documents)


passages = [
    passage.strip()
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]

with service_or_local() as server:
    print(server.reason)
    store = InMemoryVectorStore.from_texts(passages, AssistersEmbeddings(base_url=server.base_url))
    first_stage = store.as_retriever(search_kwargs={"k": 20})
    retriever = RerankRetriever(
        base_retriever=first_stage,
        reranker=AssistersRerank(base_url=server.base_url),
        top_n=3,
    )
    chain = (
        {"context": retriever | as_context, "question": RunnablePassthrough()}
        | PROMPT
        | ParrotFakeChatModel()  # yours here; this one repeats what it is told
        | StrOutputParser()
    )

    print(f"\nThe vector store's first three for {QUESTION!r}:")
    for document in first_stage.invoke(QUESTION)[:3]:
        print("  ", document.page_content.splitlines()[0])
    print("\nWhat the language model reads after the rerank:\n")
    print(chain.invoke(QUESTION))
