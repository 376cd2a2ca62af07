"""A chat engine that looks up every message in the handbook and reranks what it finds.

Run it as it stands: python examples/llama_index/chat_engine.py
"""

from pathlib import Path

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.llms import CompletionResponse, MockLLM
from llama_index.core.node_parser import MarkdownNodeParser

from assisters_rerank.local import service_or_local
from llama_index_assisters import AssistersEmbedding, AssistersRerank

HANDBOOK = Path(__file__).parents[1] / "handbook"
MESSAGES = ["Why does my disc brake squeal?", "How do I bed in new pads?", "Do you sell tandems?"]


class Quoting(MockLLM):
    """Stands in for your model: it answers with the first section that it reads."""

    def complete(
        self, prompt: str, formatted: bool = False, **kwargs: object
    ) -> CompletionResponse:
        """The line after the first heading."""
        return CompletionResponse(text=prompt.partition("## ")[2].splitlines()[1])


documents = [
    Document(text=file.read_text(encoding="utf-8")) for file in sorted(HANDBOOK.glob("*.md"))
]

with service_or_local() as server:
    print(server.reason)

    index = VectorStoreIndex.from_documents(
        documents,
        transformations=[MarkdownNodeParser()],
        embed_model=AssistersEmbedding(base_url=server.base_url),
    )

    # Where nothing is relevant, LlamaIndex doesn't ask the model: the response is "Empty Response".
    reranker = AssistersRerank(top_n=3, score_threshold=0.5, base_url=server.base_url)
    chat = index.as_chat_engine(
        chat_mode="context",  # with a real model, "condense_plus_context" for follow-up questions
        llm=Quoting(),
        similarity_top_k=20,
        node_postprocessors=[reranker],
    )
    for message in MESSAGES:
        response = chat.chat(message)
        print(f"\nYou:     {message}\nEngine:  {response}")
        for node in response.source_nodes:
            print(f"         {node.score:.2f}  {node.text.splitlines()[0]}")
