"""Scores that are known already.

- `memory_cache` and `sqlite_cache` are the two caches;
- `call_cache` is what one call does with a cache: a cache that fails never fails the call.
"""
