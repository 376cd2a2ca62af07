"""A workflow whose rerank step decides whether the model is asked at all.

Run it as it stands: python examples/llama_index/workflow.py
"""

import asyncio
from pathlib import Path

from llama_index.core import Document, VectorStoreIndex, get_response_synthesizer
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import MarkdownNodeParser
from llama_index.core.schema import NodeWithScore
from llama_index.core.workflow import Event, StartEvent, StopEvent, Workflow, step

from assisters_rerank.local import service_or_local
from llama_index_assisters import AssistersEmbedding, AssistersRerank

HANDBOOK = Path(__file__).parents[1] / "handbook"
QUESTIONS = ["Why does my brake squeal?", "Who won the Tour de France?"]

documents = [
    Document(text=file.read_text(encoding="utf-8")) for file in sorted(HANDBOOK.glob("*.md"))
]


class Question(StartEvent):
    """What somebody wants to know."""

    text: str


class Candidates(Event):
    """What the first stage found."""

    question: str
    nodes: list[NodeWithScore]


class Relevant(Event):
    """What the reranker left of it."""

    question: str
    nodes: list[NodeWithScore]


class Answering(Workflow):
    """Retrieve, rerank, answer: each step waits for the event that it takes."""

    def __init__(self, retriever: BaseRetriever, reranker: AssistersRerank) -> None:
        super().__init__(timeout=60)
        self.retriever = retriever
        self.reranker = reranker
        self.synthesizer = get_response_synthesizer(
            llm=MockLLM()
        )  # yours here; this one repeats its prompt

    @step
    async def retrieve(self, event: Question) -> Candidates:
        """Finds candidates by their vectors."""
        nodes = await self.retriever.aretrieve(event.text)
        return Candidates(question=event.text, nodes=nodes)

    @step
    async def rerank(self, event: Candidates) -> Relevant | StopEvent:
        """Goes on with what is relevant, or ends if nothing is."""
        nodes = await self.reranker.apostprocess_nodes(event.nodes, query_str=event.question)
        if not nodes:
            return StopEvent(result="The handbook says nothing about that.")
        return Relevant(question=event.question, nodes=nodes)

    @step
    async def answer(self, event: Relevant) -> StopEvent:
        """Has the model answer from the best nodes."""
        return StopEvent(result=await self.synthesizer.asynthesize(event.question, event.nodes))


async def main() -> None:
    """Asks two questions; the handbook can answer only one of them."""
    with service_or_local() as server:
        print(server.reason)
        index = VectorStoreIndex.from_documents(
            documents,
            transformations=[MarkdownNodeParser()],
            embed_model=AssistersEmbedding(base_url=server.base_url),
        )
        workflow = Answering(
            index.as_retriever(similarity_top_k=20),
            AssistersRerank(top_n=2, score_threshold=0.5, base_url=server.base_url),
        )
        for text in QUESTIONS:
            print(f"\n> {text}\n{await workflow.run(start_event=Question(text=text))}")


asyncio.run(main())
