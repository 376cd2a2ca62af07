"""The HTTP contract, as values: no socket, no clock.

- `messages` are the request and the answer;
- `rerank_contract` and `embedding_contract` encode the one and decode the other;
- `validation` checks an answer, `error_bodies` turns a refusal into an error with advice,
  `redaction` keeps the key out of all that is shown;
- `destination` says which address a request goes to, and which key goes with it.
"""
