"""Nodes in and out: the text that is sent of a node, and the node with its new score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from llama_index.core.schema import BaseNode, MetadataMode, Node, NodeWithScore, TextNode
from pydantic import TypeAdapter

from assisters_rerank import ConfigurationError, RankedDocument
from assisters_rerank.plugins import (
    CUT_OFF,
    PASSAGES,
    Cutting,
    FrameworkDocument,
    Shown,
    excerpt_of,
    given_list,
    noted,
    noted_excerpt,
    plain_number,
)

RETRIEVAL_SCORE = "retrieval_score"
DEGRADED = "rerank_degraded"
NOTES = frozenset({RETRIEVAL_SCORE, DEGRADED, PASSAGES, CUT_OFF})

# Looked up once: this is done for every node of every call.
_NONE = MetadataMode.NONE
_TEXT_NODES_OWN = TextNode.get_content

# Makes many in half the time that their constructor takes.
_NODES = TypeAdapter(list[NodeWithScore])


def listed(nodes: Iterable[NodeWithScore]) -> list[NodeWithScore]:
    """A list of our own, of which each is a `NodeWithScore`."""
    hint = "; its source_nodes are one" if hasattr(nodes, "source_nodes") else ""
    listed = given_list(nodes, "nodes", hint=hint)
    for place, node in enumerate(listed):
        if not isinstance(node, NodeWithScore):
            hint = "; write NodeWithScore(node=…)" if isinstance(node, BaseNode) else ""
            raise ConfigurationError(
                f"nodes[{place}]: give a NodeWithScore, not {type(node).__name__}{hint}."
            )
    return listed


def text_of(node: NodeWithScore, mode: MetadataMode) -> str:
    """The text to score; blank for nodes without any (images), whatever their metadata say."""
    own = _own_text(node.node)
    if not own or own.isspace():
        return ""
    return own if mode is _NONE else _without_notes(node.node, own).get_content(metadata_mode=mode)


def sent(
    nodes: Sequence[NodeWithScore],
    texts: Sequence[str],
    cutting: Cutting | None,
    *,
    keep_first: bool,
) -> list[FrameworkDocument]:
    """The nodes with the texts to score, where more than the texts is needed of them."""

    def given(node: NodeWithScore, text: str) -> FrameworkDocument:
        def shown(ranked: RankedDocument) -> Shown:
            made = _noted(node, ranked, cutting, keep_first=keep_first)
            return Shown(_own_text(made), made.get_content(metadata_mode=MetadataMode.LLM))

        return FrameworkDocument(text, _own_text(node.node), shown)

    return [given(node, text) for node, text in zip(nodes, texts, strict=True)]


def scored(
    nodes: Sequence[NodeWithScore],
    ranking: Iterable[RankedDocument],
    cutting: Cutting | None,
    *,
    keep_first: bool,
) -> list[NodeWithScore]:
    """The nodes in their new order, each a new `NodeWithScore` around what `_noted` gives.

    Without a score (the rerank was passed through) the first one stays.
    """
    return _NODES.validate_python(
        [
            {
                "node": _noted(node, ranked, cutting, keep_first=keep_first),
                "score": node.score if ranked.relevance_score is None else ranked.relevance_score,
            }
            for ranked in ranking
            for node in (nodes[ranked.index],)
        ]
    )


def _noted(
    node: NodeWithScore, ranked: RankedDocument, cutting: Cutting | None, *, keep_first: bool
) -> BaseNode:
    """The same node, or a copy where something is changed: without a score it is marked.

    With `cutting`, a node of which passages were scored is cut down to some of them, if its class
    allows it.
    """
    around = node.node
    metadata = around.metadata
    changes: dict[str, object] = {}
    if ranked.relevance_score is None:
        changes[DEGRADED] = True
    if keep_first and RETRIEVAL_SCORE not in metadata:
        # A second pass keeps what the first one noted.
        changes[RETRIEVAL_SCORE] = plain_number(node.score)
    if cutting is not None or PASSAGES in metadata or ranked.context_end is not None:
        around, spans = _excerpted(around, ranked, cutting)
        if spans is not None and spans != metadata.get(PASSAGES):
            changes[PASSAGES] = spans
            if ranked.context_end is not None:
                changes[CUT_OFF] = True
    if changes or DEGRADED in metadata:
        around = _with_metadata(around, changes)
    return around


def _excerpted(
    node: BaseNode, ranked: RankedDocument, cutting: Cutting | None
) -> tuple[BaseNode, list[list[float | None]] | None]:
    """The node or a copy that is cut, and the spans to note."""
    own = _own_text(node)
    found = excerpt_of(own, ranked, node.metadata, cutting)
    if found is None:
        return node, None
    spans = noted(found.spans)
    if found.text == own:
        return node, spans
    before = noted_excerpt(own, node.metadata.get(PASSAGES))
    begins, length = (0, len(own)) if before is None else (before.spans[0][0], None)
    cut = _cut(node, found.text, found.spans[0][0] - begins, found.spans[-1][1] - begins, length)
    return (node, None) if cut is None else (cut, spans)


def _own_text(node: BaseNode) -> str:
    # A subclass may keep its text elsewhere. TextNode's own get_content is slower than this.
    if isinstance(node, TextNode) and type(node).get_content is _TEXT_NODES_OWN:
        return node.text
    return node.get_content(metadata_mode=_NONE)


def _without_notes(node: BaseNode, own: str) -> BaseNode:
    # What an earlier pass has noted is not about the document, and would move its score.
    if NOTES.isdisjoint(node.metadata):
        return node
    notes = NOTES & node.metadata.keys()
    if PASSAGES in notes and noted_excerpt(own, node.metadata[PASSAGES]) is None:
        notes -= {PASSAGES}  # the user's own field
    if not notes:
        return node
    rest = {key: value for key, value in node.metadata.items() if key not in notes}
    return node.model_copy(update={"metadata": rest})


def _cut(node: BaseNode, text: str, start: int, end: int, length: int | None) -> BaseNode | None:
    """A copy with this text; None if it is of a class that cannot be given one.

    `start` and `end` are where it begins and ends, counted from where the node begins; `length` is
    that of the text they count in, None for what an earlier pass has cut.
    """
    copied = node.model_copy()
    copied.embedding = None  # it is the whole text's
    if isinstance(copied, Node) and copied.text_resource is not None:
        # Unlike `set_content`, this keeps what kind of text it is and where it was read.
        about = {"text": text, "embeddings": None}
        copied.text_resource = copied.text_resource.model_copy(update=about)
    else:
        copied.set_content(text)
    if isinstance(copied, TextNode) and copied.start_char_idx is not None:
        first, last = copied.start_char_idx, copied.end_char_idx
        if length is None or last is None or last - first == length:
            # Where it stands in the document that the node was made of.
            copied.start_char_idx, copied.end_char_idx = first + start, first + end
        else:  # another text was put in, and where that one stands is not known
            copied.start_char_idx = copied.end_char_idx = None
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
