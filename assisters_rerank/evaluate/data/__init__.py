"""The files of an evaluation: `beir`, `trec` and `qrels` over `sources`, into a `collection`."""
