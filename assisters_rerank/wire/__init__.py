"""The HTTP contract, as values: no socket, no clock.

- `messages` are the request and the answer;
- `rerank_contract` and `embedding_contract` encode the one and decode the other;
- `validation` checks an answer, `error_bodies` turns a refusal into an error with advice;
- `destination` says which address a request goes to, and which key goes with it.
"""
