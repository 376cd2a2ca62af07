"""The files of an evaluation, in all the layouts that people have, and the `collection` they make.

- `collection_files` reads a collection; `layout` knows which file of a folder is what; `sources`
  opens files, also in archives and packed by gzip; `kinds_of_ids` checks that they belong together;
- `rows` tells what a file is, and gives its records: `delimited` (CSV, TSV, TREC), `parquet`,
  JSON and JSONL; `fields` knows what their fields are called, `nested` reads lists within one;
- `texts` reads documents and queries, `qrels` judgements, `trec` runs;
- `sample` is a collection to begin with;
- `single_file` is for a file that holds all of it: `finetune_dataset` (LlamaIndex),
  `question_tables` (Ragas) and `passage_lists` (MTEB's reranking), which are `gathered`.
"""
