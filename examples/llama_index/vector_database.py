"""Vectors kept by Qdrant in a folder, without a server; what is found in there is reranked.

Run it as it stands: python examples/llama_index/vector_database.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from llama_index.core import Document, StorageContext, VectorStoreIndex
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.vector_stores.qdrant import QdrantVectorStore
from qdrant_client import QdrantClient

from assisters_rerank.local import service_or_local
from llama_index_assisters import AssistersEmbedding, AssistersRerank

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "Why does my brake squeal?"
documents = [
    Document(text=file.read_text(encoding="utf-8")) for file in sorted(HANDBOOK.glob("*.md"))
]

with service_or_local() as server, TemporaryDirectory() as folder:
    print(server.reason)
    embedding = AssistersEmbedding(base_url=server.base_url)

    # Once: embed the handbook and keep the vectors on disk.
    client = QdrantClient(path=folder)
    # An index of document ids would be for Qdrant's server alone, as a warning says.
    store = QdrantVectorStore("handbook", client=client, index_doc_id=False)
    VectorStoreIndex.from_documents(
        documents,
        transformations=[MarkdownNodeParser()],
        storage_context=StorageContext.from_defaults(vector_store=store),
        embed_model=embedding,
    )
    client.close()
    files = [path.name for path in Path(folder).rglob("*") if path.is_file()]
    print("\nFiles:", ", ".join(sorted(files)))

    # Later, as the next program would: open the folder again, and search.
    client = QdrantClient(path=folder)
    store = QdrantVectorStore("handbook", client=client)
    index = VectorStoreIndex.from_vector_store(store, embed_model=embedding)
    candidates = index.as_retriever(similarity_top_k=20).retrieve(QUESTION)
    reranker = AssistersRerank(top_n=3, base_url=server.base_url)
    best = reranker.postprocess_nodes(candidates, query_str=QUESTION)
    client.close()

print(f"\n{QUESTION}")
for title, nodes in (("Qdrant:", candidates[:3]), ("Qdrant, then the rerank:", best)):
    print(f"\n{title}")
    for node in nodes:
        print(f"{node.score:6.3f}  {node.text.splitlines()[0]}")
