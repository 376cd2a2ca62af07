"""Nodes in and out: the text that is sent of a node, and the node with its new score."""

from __future__ import annotations

from llama_index.core.schema import BaseNode, MetadataMode, Node, NodeWithScore, TextNode

from assisters_rerank import Passage, RankedDocument
from assisters_rerank.plugins import PASSAGE_END, PASSAGE_START, best_cut, plain_number

RETRIEVAL_SCORE = "retrieval_score"
DEGRADED = "rerank_degraded"
NOTES = frozenset({RETRIEVAL_SCORE, DEGRADED, PASSAGE_START, PASSAGE_END})

# Looked up once: this is done for every node of every call.
_NONE = MetadataMode.NONE
_TEXT_NODES_OWN = TextNode.get_content


def text_of(node: NodeWithScore, mode: MetadataMode) -> str:
    """The text to score; blank for nodes without any (images), whatever their metadata say."""
    around = _without_notes(node.node)
    own = _own_text(around)
    if not own or own.isspace():
        return ""
    return own if mode is _NONE else around.get_content(metadata_mode=mode)


def scored(
    node: NodeWithScore, ranked: RankedDocument, *, keep_first: bool, cut: bool
) -> NodeWithScore:
    """A new `NodeWithScore` around the same node, or around a copy where something is changed.

    Without a score (the rerank was passed through) the first one stays, and the node is marked.
    With `cut`, a node of which a passage was scored is cut down to that, if its class allows it.
    """
    metadata, score = node.node.metadata, ranked.relevance_score
    changes: dict[str, object] = {}
    if score is None:
        changes[DEGRADED] = True
    if keep_first and RETRIEVAL_SCORE not in metadata:
        # A second pass keeps what the first one noted.
        changes[RETRIEVAL_SCORE] = plain_number(node.score)
    around = node.node
    own = _own_text(around) if cut else ""
    best = best_cut(own, ranked, metadata)
    shorter = None if best is None else _cut(around, own, best.span)
    if best is not None and shorter is not None:
        around = shorter
        changes |= best.noted
    if changes or DEGRADED in metadata:
        around = _with_metadata(around, changes)
    return NodeWithScore(node=around, score=node.score if score is None else score)


def _own_text(node: BaseNode) -> str:
    # A subclass may keep its text elsewhere. TextNode's own get_content is slower than this.
    if isinstance(node, TextNode) and type(node).get_content is _TEXT_NODES_OWN:
        return node.text
    return node.get_content(metadata_mode=_NONE)


def _without_notes(node: BaseNode) -> BaseNode:
    # What an earlier pass has noted is not about the document, and would move its score.
    if NOTES.isdisjoint(node.metadata):
        return node
    rest = {key: value for key, value in node.metadata.items() if key not in NOTES}
    return node.model_copy(update={"metadata": rest})


def _cut(node: BaseNode, own: str, span: Passage) -> BaseNode | None:
    """A copy with this part of its text; None if it is of a class that cannot be given a text."""
    text, copied = own[span.start : span.end], node.model_copy()
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
    return copied if _own_text(copied) == text else None


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
