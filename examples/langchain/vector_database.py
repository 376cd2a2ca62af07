"""Qdrant, with its files in a folder and no server, as the first stage of a rerank.

Run it as it stands: python examples/langchain/vector_database.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from langchain_core.documents import Document
from langchain_qdrant import QdrantVectorStore

from assisters_rerank.local import service_or_local
from langchain_assisters import AssistersEmbeddings, AssistersRerank, RerankRetriever

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "Is my chain worn out?"

documents = [
    Document(passage.strip(), metadata={"file": file.name})
    for file in sorted(HANDBOOK.glob("*.md"))
    for passage in file.read_text(encoding="utf-8").split("\n## ")[1:]
]

with service_or_local() as server, TemporaryDirectory() as folder:
    print(server.reason)
    embeddings = AssistersEmbeddings(base_url=server.base_url)

    # Once: embed the handbook and keep the vectors on disk.
    database = QdrantVectorStore.from_documents(
        documents, embeddings, path=folder, collection_name="handbook"
    )
    database.client.close()
    files = [path.name for path in Path(folder).rglob("*") if path.is_file()]
    print("\nFiles:", ", ".join(sorted(files)))

    # Later, as the next program would: open the folder again, and search.
    database = QdrantVectorStore.from_existing_collection("handbook", embeddings, path=folder)
    first_stage = database.as_retriever(search_kwargs={"k": 20})
    retriever = RerankRetriever(
        base_retriever=first_stage, reranker=AssistersRerank(base_url=server.base_url), top_n=3
    )
    print(f"\n{QUESTION}\n\nQdrant:")
    for document in first_stage.invoke(QUESTION)[:3]:
        print("  ", document.page_content.splitlines()[0])
    print("\nQdrant, then the rerank:")
    for document in retriever.invoke(QUESTION):
        heading = document.page_content.splitlines()[0]
        print(f"   {document.metadata['relevance_score']:.2f}", heading)
    database.client.close()
