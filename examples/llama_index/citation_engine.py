"""A citation engine over whole pages: each source is the one passage of a page that answers.

Run it as it stands: python examples/llama_index/citation_engine.py
"""

from pathlib import Path

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import CitationQueryEngine

from assisters_rerank.local import service_or_local
from llama_index_assisters import AssistersEmbedding, AssistersRerank

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTION = "Is it dangerous to charge a battery in frost?"

# A page is one node, several sections long.
pages = [
    Document(text=file.read_text(encoding="utf-8"), metadata={"page": file.name})
    for file in sorted(HANDBOOK.glob("*.md"))
]

with service_or_local() as server:
    print(server.reason)
    index = VectorStoreIndex.from_documents(
        pages, embed_model=AssistersEmbedding(base_url=server.base_url)
    )

    reranker = AssistersRerank(
        top_n=2,
        long_documents="split",  # passages are scored, and the best one counts
        content="passages",  # and is what comes back of the page
        max_tokens=112,  # of question and passage together; without it the model's own window
        base_url=server.base_url,
    )
    engine = CitationQueryEngine.from_args(
        index, llm=MockLLM(), similarity_top_k=5, node_postprocessors=[reranker]
    )
    response = engine.query(QUESTION)

print(f"\n{QUESTION}")
for node in response.source_nodes:
    [(start, end, _)] = node.metadata["passages"]
    print(f"\n{node.score:.2f}  {node.metadata['page']}, characters {start} to {end}")
    print(node.text.strip())
