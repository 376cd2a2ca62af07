"""Every setting, with its default, its range and its description.

- `service_options` apply to every call: address, key, time, pace, prices;
- `prices` says what a model costs; `extra_headers` checks the user's own headers;
- `pickling` says what a pickle keeps;
- `rerank_options` and `embedding_options` are the rest;
- `settings_file` reads them from TOML;
- `thresholds` holds the rules of `score_threshold`.
"""
