"""How long the service takes by its own account, for rehearsals at its pace."""

from __future__ import annotations

from bisect import bisect_left

from ...catalogue import CATALOGUE


def published_latency(model: str, documents: int) -> float:
    """Seconds for one request of so many documents; 0 for a model without published figures.

    Linear between the published counts (10, 50 and 100 documents). Below the first it falls to
    nothing at no document, and beyond the last the last slope goes on: the service's page says
    that the cost is linear in the number of documents.
    """
    published = CATALOGUE.get(model)
    if published is None:
        return 0.0
    counts = [0, *sorted(published.latency_ms)]
    latencies = [0, *map(published.latency_ms.__getitem__, counts[1:])]
    end = min(bisect_left(counts, max(documents, 1)), len(counts) - 1)
    slope = (latencies[end] - latencies[end - 1]) / (counts[end] - counts[end - 1])
    return (latencies[end] + slope * (documents - counts[end])) / 1000
