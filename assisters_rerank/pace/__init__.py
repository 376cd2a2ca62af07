"""How fast a reranker may send.

- `queue` is one queue for all threads and event loops;
- `rate_limits` are the limits: the user's own, and those that the server reports;
- `allowance` reads what the headers of an answer report.
"""
