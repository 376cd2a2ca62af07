"""ContextualCompressionRetriever: long documents come back as the passages that answer.

Run it as it stands: python examples/langchain/compression.py
"""

from pathlib import Path

from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore

from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "Which way do I turn the left pedal to get it off?"

chapters = [
    Document(file.read_text(encoding="utf-8"), metadata={"file": file.name})
    for file in sorted(HANDBOOK.glob("*.md"))
]

with service_or_local() as server:
    print(server.reason)
    store = InMemoryVectorStore.from_documents(
        chapters, AssistersEmbeddings(base_url=server.base_url)
    )
    compressor = AssistersRerank(
        base_url=server.base_url,
        long_documents="split",  # score passages; a chapter is as good as its best one
        max_tokens=128,  # about a paragraph; without it, as much as the model reads at once
        content="passages",  # and the best one is what comes back
        top_n=2,
    )
    first_stage = store.as_retriever(search_kwargs={"k": 5})
    retriever = ContextualCompressionRetriever(
        base_retriever=first_stage, base_compressor=compressor
    )

    print(f"\n{QUESTION}\n\nThe vector store's chapters:")
    print("  ", ", ".join(chapter.metadata["file"] for chapter in first_stage.invoke(QUESTION)))
    sizes = {chapter.metadata["file"]: len(chapter.page_content) for chapter in chapters}
    for document in retriever.invoke(QUESTION):
        about = document.metadata
        [(start, end, score)] = about["passages"]
        size = sizes[about["file"]]
        print(f"\n{about['file']}, score {score:.2f}, characters {start} to {end} of {size}:")
        print(document.page_content)
