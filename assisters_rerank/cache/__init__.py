"""Scores that are known already.

- `score_cache` says what a cache is, and makes the keys;
- `memory_cache` and `sqlite_cache` are the two caches, the second has its file in
  `sqlite_file`, laid out by `sqlite_format`;
- `call_cache` is what one call does with a cache: a cache that fails never fails the call.
"""
