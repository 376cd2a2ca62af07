"""A RAG chain whose prompt has at most 1,500 tokens: whole chapters, then only relevant passages.

Run it as it stands: python examples/langchain/rag_with_budget.py
"""

from pathlib import Path

from langchain_core.documents import Document
from langchain_core.language_models import ParrotFakeChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from assisters_rerank import estimate_tokens
from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "My disc brake squeals since yesterday. What is it?"
BUDGET = 1_500  # tokens, as they are estimated; your model's tokenizer: count_context_tokens=…
PROMPT = ChatPromptTemplate.from_template(
    "Answer from these passages alone.\n\n{context}\n\nQuestion: {question}"
)


def as_context(documents: list[Document]) -> str:
    """The documents as one text, the best one first."""
    return "\n\n".join(document.page_content for document in documents)


def show(title: str, documents: list[Document]) -> None:
    """Each document with its tokens, and all of them together."""
    sizes = [estimate_tokens(document.page_content) for document in documents]
    print(f"\n{title}: {len(documents)} chapters, {sum(sizes):,} tokens")
    for document, tokens in zip(documents, sizes, strict=True):
        score = document.metadata.get("relevance_score")
        shown = "      " if score is None else f"{score:6.3f}"
        print(f"  {shown}  {tokens:5,}  {document.metadata['file']}")


chapters = [
    Document(file.read_text(encoding="utf-8"), metadata={"file": file.name})
    for file in sorted(HANDBOOK.glob("*.md"))
]

with service_or_local() as server:
    print(server.reason)
    store = InMemoryVectorStore.from_documents(
        chapters, AssistersEmbeddings(base_url=server.base_url)
    )
    first_stage = store.as_retriever(search_kwargs={"k": len(chapters)})
    show("Before", first_stage.invoke(QUESTION))

    whole = AssistersRerank(
        base_url=server.base_url,
        long_documents="split",  # a chapter is as good as its best passage
        max_passage_tokens=128,  # about a paragraph
        max_context_tokens=BUDGET,
    )
    within = RerankRetriever(base_retriever=first_stage, reranker=whole)
    show("Whole chapters within the budget", within.invoke(QUESTION))

    passages = whole.with_options(
        content="passages",
        passage_threshold=0.5,  # the best passage of a chapter, and all others that are this good
        score_threshold=0.2,  # and nothing of a chapter that is worse
    )
    retriever = RerankRetriever(base_retriever=first_stage, reranker=passages)
    show("Relevant passages within the budget", retriever.invoke(QUESTION))

    chain = (
        {"context": retriever | as_context, "question": RunnablePassthrough()}
        | PROMPT
        | ParrotFakeChatModel()  # yours here; this one repeats what it is told
        | StrOutputParser()
    )
    print("\nWhat the language model reads:\n")
    print(chain.invoke(QUESTION))
