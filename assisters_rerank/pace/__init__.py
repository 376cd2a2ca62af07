"""How fast a reranker may send.

- `queue` is one queue for all threads and event loops, `waiting` who is in it, in which order;
- `rate_limits` are the limits: the user's own, and those that the server reports;
- `in_flight` are the requests that were let go; `recovery` is the care after a refusal;
- `allowance` reads what the headers of an answer report.
"""
