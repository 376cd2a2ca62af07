"""The command `assisters-rerank demo`: read the docstrings, ask the questions, show the ranks."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from .called import program

if TYPE_CHECKING:
    from ..demo.answer import Answer, Ask

# Everyday words, which the right docstring shares only in part: there a reranker has work to do.
QUESTIONS = (
    "run a command and capture its output",
    "how do I turn a date string into a datetime",
    "find files by a wildcard in all subfolders",
    "how do I retry after a timeout when fetching a URL",
)


def demo(
    query: Annotated[
        list[str] | None,
        typer.Option(
            "--query",
            "-q",
            metavar="TEXT",
            help="Ask your own question instead of the built-in ones; can be given repeatedly.",
        ),
    ] = None,
    top_n: Annotated[int, typer.Option(min=1, metavar="N", help="How many passages to show.")] = 5,
    candidates: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many passages BM25 hands to the reranker.")
    ] = 50,
    model: Annotated[
        str, typer.Option(metavar="ID", help="The reranking model.")
    ] = "bge-reranker-v2",
    local: Annotated[
        bool, typer.Option("--local", help="Use the local server even if a key is set.")
    ] = False,
) -> None:
    """Rerank the documentation of your Python's standard library: before and after.

    The docstrings of its everyday modules are read from the files on this machine. BM25 finds the
    candidates for a question and the reranker orders them, once behind a LangChain retriever and
    once in a LlamaIndex query engine.

    Without ASSISTERS_API_KEY a local server scores and nothing leaves this machine. With the key
    the service scores, or the server that ASSISTERS_BASE_URL names.
    """
    if any(not question.strip() for question in query or ()):
        raise typer.BadParameter("the question is empty", param_hint="--query")
    with _without_collections():
        _show(query or QUESTIONS, top_n, candidates, model, local=local)


@contextmanager
def _without_collections() -> Iterator[None]:
    # What is loaded and read here is no garbage; to look for some takes a fifth of the time.
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _show(
    questions: Sequence[str], top_n: int, candidates: int, model: str, *, local: bool
) -> None:
    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    with console.status("Starting…") as status:
        # What takes long to import, which no other command should wait for.
        from ..demo.answer import Setup
        from ..demo.bm25 import FirstStage
        from ..demo.corpus import EVERYDAY, read_passages
        from ..demo.tables import Page
        from ..local import service_or_local

        page = Page(console)
        # The server comes first: what is wrong with it shows before the reading starts.
        with service_or_local(local=local) as server:
            page.server(server.reason)
            started = time.perf_counter()
            passages = read_passages(
                progress=lambda done, total: status.update(
                    f"Reading the standard library, file {done:,} of {total:,}…"
                ),
                only=EVERYDAY,
            )
            status.update("Indexing…")
            first_stage = FirstStage(passages)
            page.corpus(len(passages), time.perf_counter() - started)
            page.legend(candidates, warm=server.is_local)
            setup = Setup(candidates, top_n, model, server.base_url)

            def answered(ask: Ask, question: str) -> Answer:
                status.update("Asking…")
                if server.is_local:
                    # The local model remembers words, which would favour whoever asks second.
                    # Elsewhere a call costs money, and the server does not remember.
                    ask(question)
                return ask(question)

            status.update("Loading LangChain…")
            from ..demo.langchain_run import langchain_pipeline

            through_langchain = langchain_pipeline(first_stage, setup)
            through_llama_index: Ask | None = None
            for question in questions:
                first = answered(through_langchain, question)
                found = first_stage.search(question, candidates)
                page.question(question, found, first)
                if not found:
                    continue
                if through_llama_index is None:  # the first table does not wait for it
                    status.update("Loading LlamaIndex…")
                    from ..demo.llama_index_run import llama_index_pipeline

                    through_llama_index = llama_index_pipeline(first_stage, setup)
                page.compared(answered(through_llama_index, question), first)
    page.next_steps(program())
