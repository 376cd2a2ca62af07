"""Nodes in and out: the text that is sent of a node, and the node with its new score."""

from __future__ import annotations

from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, TextNode

from assisters_rerank import Passage, RankedDocument
from assisters_rerank.passages import placed_in

RETRIEVAL_SCORE = "retrieval_score"
DEGRADED = "rerank_degraded"
PASSAGE_START, PASSAGE_END = "passage_start", "passage_end"


def text_of(node: NodeWithScore, mode: MetadataMode) -> str:
    """The text to score; blank for nodes without any (images), whatever their metadata say."""
    around = node.node
    text = around.text if isinstance(around, TextNode) else around.get_content(MetadataMode.NONE)
    return around.get_content(mode) if text and not text.isspace() else ""


def scored(
    node: NodeWithScore, ranked: RankedDocument, *, keep_first: bool, cut: bool
) -> NodeWithScore:
    """A new `NodeWithScore` around the same node, or around a copy where something is changed.

    Without a score (the rerank was passed through) the first one stays, and the node is marked.
    With `cut`, a node of which a passage was scored is cut down to that.
    """
    metadata, score = node.node.metadata, ranked.relevance_score
    changes: dict[str, object] = {}
    if score is None:
        changes[DEGRADED] = True
    elif keep_first and RETRIEVAL_SCORE not in metadata:
        changes[RETRIEVAL_SCORE] = node.score  # a second pass keeps what the first one noted
    own = node.node.get_content(MetadataMode.NONE) if cut and ranked.passage else ""
    span = placed_in(own, ranked.text, ranked.passage)
    if span is not None:
        changes[PASSAGE_START], changes[PASSAGE_END] = span
    noted = bool(changes) or DEGRADED in metadata
    around = _with_metadata(node.node, changes) if noted else node.node
    if span is not None:
        _cut(around, own, span)
    return NodeWithScore(node=around, score=node.score if score is None else score)


def _cut(copied: BaseNode, own: str, span: Passage) -> None:
    copied.set_content(own[span.start : span.end])
    if isinstance(copied, TextNode) and copied.start_char_idx is not None:
        # Where it stands in the document that the node was made of.
        first = copied.start_char_idx
        copied.start_char_idx, copied.end_char_idx = first + span.start, first + span.end


def _with_metadata(node: BaseNode, changes: dict[str, object]) -> BaseNode:
    # What an earlier pass said about the node no longer holds.
    kept = {key: value for key, value in node.metadata.items() if key != DEGRADED}

    def hidden(keys: list[str]) -> list[str]:
        # Prompts and embeddings are about the document, not about how it was found.
        return keys + [key for key in changes if key not in keys]

    return node.model_copy(
        update={
            "metadata": {**kept, **changes},
            "excluded_embed_metadata_keys": hidden(node.excluded_embed_metadata_keys),
            "excluded_llm_metadata_keys": hidden(node.excluded_llm_metadata_keys),
        }
    )
