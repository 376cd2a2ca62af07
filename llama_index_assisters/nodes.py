"""Nodes in and out: the text that is sent of a node, and the node with its new score."""

from __future__ import annotations

from llama_index.core.schema import BaseNode, MetadataMode, Node, NodeWithScore, TextNode

from assisters_rerank import Passage, RankedDocument
from assisters_rerank.compression import best_cut

RETRIEVAL_SCORE = "retrieval_score"
DEGRADED = "rerank_degraded"


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
    own = node.node.get_content(MetadataMode.NONE) if cut else ""
    best = best_cut(own, ranked, metadata)
    if best is not None:
        changes |= best.noted
    noted = bool(changes) or DEGRADED in metadata
    around = _with_metadata(node.node, changes) if noted else node.node
    if best is not None:
        _cut(around, own, best.span)
    return NodeWithScore(node=around, score=node.score if score is None else score)


def _cut(copied: BaseNode, own: str, span: Passage) -> None:
    text = own[span.start : span.end]
    copied.embedding = None  # it is the whole text's
    if isinstance(copied, Node) and copied.text_resource is not None:
        # Unlike `set_content`, this keeps what kind of text it is and where it was read.
        about = {"text": text, "embeddings": None}
        copied.text_resource = copied.text_resource.model_copy(update=about)
    else:
        copied.set_content(text)
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
