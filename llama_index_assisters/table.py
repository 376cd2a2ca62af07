"""`as_table`: reranked nodes as a table, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable

from llama_index.core.schema import MetadataMode, NodeWithScore

from assisters_rerank.plugins import RankedTable, plain_number, ranked_table

from .nodes import DEGRADED, listed


def as_table(nodes: Iterable[NodeWithScore]) -> RankedTable:
    """A view of reranked nodes that a notebook shows as a table.

    Each row has the rank, the score, the text with its passages marked, and the metadata; texts
    are shortened, and there are at most 20 rows. Nodes that the service could not score have a
    dash.

    Args:
        nodes: what `postprocess_nodes` gave, or an answer's `source_nodes`.

    Raises:
        ConfigurationError: it is not a list of `NodeWithScore`.

    Examples:
        >>> as_table(engine.query(question).source_nodes)
    """
    return ranked_table(
        (
            (
                each.node.get_content(metadata_mode=MetadataMode.NONE),
                plain_number(each.score),
                each.node.metadata,
            )
            for each in listed(nodes)
        ),
        DEGRADED,
    )
