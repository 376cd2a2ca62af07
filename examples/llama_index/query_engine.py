"""A query engine that finds twenty candidates by their vectors and reads the reranker's best three.

Run it as it stands: python examples/llama_index/query_engine.py
"""

from pathlib import Path

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import MarkdownNodeParser

from assisters_rerank.local import service_or_local
from llama_index_assisters import AssistersEmbedding, AssistersRerank

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "Why does my brake squeal?"
documents = [
    Document(text=file.read_text(encoding="utf-8")) for file in sorted(HANDBOOK.glob("*.md"))
]

with service_or_local() as server:
    print(server.reason)

    # One node for each section of the handbook, with its vector.
    index = VectorStoreIndex.from_documents(
        documents,
        transformations=[MarkdownNodeParser()],
        embed_model=AssistersEmbedding(base_url=server.base_url),
    )

    reranker = AssistersRerank(top_n=3, keep_retrieval_score=True, base_url=server.base_url)
    engine = index.as_query_engine(
        llm=MockLLM(),  # answers with the prompt that it was given; put your own model here
        similarity_top_k=20,
        node_postprocessors=[reranker],
    )
    response = engine.query(QUESTION)

print(f"\n{QUESTION}\n\nvector  rerank  section")
for node in response.source_nodes:
    heading = node.text.splitlines()[0]
    print(f"{node.metadata['retrieval_score']:6.3f}  {node.score:6.3f}  {heading}")

print(f"\nWhat the model was given:\n\n{response}")
