"""Chroma, with its files on disk and no server, as the first stage of a rerank.

Run it as it stands: python examples/langchain/vector_database.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from chromadb.config import Settings
from langchain_chroma import Chroma
from langchain_core.documents import Document

from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "Is my chain worn out?"

documents = [
    Document(passage.strip(), metadata={"file": file.name})
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]


def open_database(folder: str, embeddings: AssistersEmbeddings) -> Chroma:
    """The collection in that folder; made if it is not there."""
    return Chroma(
        "handbook",
        embeddings,
        persist_directory=folder,
        client_settings=Settings(anonymized_telemetry=False),  # older versions report usage
        collection_metadata={"hnsw:space": "cosine"},
    )


# On Windows Chroma keeps its files open until the program ends.
with service_or_local() as server, TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    print(server.reason)
    embeddings = AssistersEmbeddings(base_url=server.base_url)
    open_database(folder, embeddings).add_documents(documents)
    print("\nFiles:", ", ".join(sorted(path.name for path in Path(folder).iterdir())))

    database = open_database(folder, embeddings)  # they are there for the next one
    first_stage = database.as_retriever(search_kwargs={"k": 20})
    retriever = RerankRetriever(
        base_retriever=first_stage, reranker=AssistersRerank(base_url=server.base_url), top_n=3
    )

    print(f"\n{QUESTION}\n\nChroma:")
    for document in first_stage.invoke(QUESTION)[:3]:
        print("  ", document.page_content.splitlines()[0])
    print("\nChroma, then the rerank:")
    for document in retriever.invoke(QUESTION):
        heading = document.page_content.splitlines()[0]
        print(f"   {document.metadata['relevance_score']:.2f}", heading)
