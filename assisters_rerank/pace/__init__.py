"""How fast a reranker may send.

- `queue` is one queue for all threads and event loops, `waiting` who is in it, in which order;
- `limits` is all that holds requests back: `rate_limits`, the user's own and those that the server
  reports, and `recovery`, the care after a refusal;
- `allowance` reads what the headers of an answer report.
"""
