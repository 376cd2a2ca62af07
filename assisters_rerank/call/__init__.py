"""One call, from texts to scores: a coroutine that awaits only its port.

- `rerank_flow` and `embedding_flow` are the call; `state` is what it shares with other calls;
- `activation` maps raw scores to those that are returned;
- `cache_key` says what a cached score depends on;
- `listwise` is about models that need all documents in one request;
- `plan` decides which texts to send, `fitting` cuts what is too long, `scoring` gets the scores;
- `context` keeps the best documents that fit into a prompt;
- `attempts` sends requests until they are answered, inside the time of `budget`;
- `breaker` lets calls pass through while the service is down, `probes` find out when it is back.
"""
