"""What is behind an address: one check of a server, in at most 100 small requests.

    report = check_server(Reranker(base_url="http://127.0.0.1:8000/v1", model="my-model"))

- `checked_server` goes through it from end to end, `asking` puts and counts the requests;
- `spoken_dialect` finds dialect, address and key; `judged_rankings` asks `labelled_questions`;
- `own_scores` repeats requests and asks for documents alone and with others; `request_sizes`,
  `document_lengths` and `latencies` try their limits with `probe_texts`;
- `server_report` holds what was found, `conclusions` says what follows from it, and
  `suggested_options` are those for this server.
"""

from .checked_server import acheck_server, check_server
from .server_report import (
    Attempt,
    CompanyFound,
    LengthsFound,
    RankingFound,
    ReportedFound,
    ScoresFound,
    ServerReport,
    SizesFound,
    TimingsFound,
)

__all__ = [
    "Attempt",
    "CompanyFound",
    "LengthsFound",
    "RankingFound",
    "ReportedFound",
    "ScoresFound",
    "ServerReport",
    "SizesFound",
    "TimingsFound",
    "acheck_server",
    "check_server",
]
