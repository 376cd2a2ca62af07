"""The HTTP contract, as values: no socket, no clock.

- `messages` are the request and the answer;
- `large_json` reads and writes JSON in pieces;
- `rerank_contract` and `embedding_contract` encode the one and decode the other;
- `dialects` has the names that differ between servers;
- `billing` reads what an answer says that it took;
- `validation` checks an answer, `error_bodies` turns a refusal into an error with advice, of the
  class that `error_classes` knows, `redaction` keeps the key out of all that is shown;
- `address` says which endpoint is behind an address, and `destination` which key goes with it.
"""
