"""The commands of `assisters-rerank`, a module each.

- they are `rerank`, `bulk`, `eval`, `check`, `serve`, `models` and `demo`;
- `main` turns what a command raises into one line and an exit code; `application` is typer's;
- `interruption` is about Ctrl-C, `shown_help` about `--help`;
- `command_options` makes options out of `RerankOptions`, `local_server` does what `--local` says;
  `key` asks for a key before any work;
- `reading` reads what is to be ranked, `output` writes the ranking, `progress` shows a bar;
- `eval_options` are some of `eval`'s, `eval_input` reads what it is about, `eval_rerankers` makes
  what it compares, `eval_gate` the exit code;
- `run` is one run of `rerank`, and `kept_scores` keeps what was paid for until it is complete;
- `bulk_progress` shows how far a bulk run is; `check_table` shows the report on a server;
- `called` says how the program was called, `output_files` keeps files apart that are written.
"""

from . import interruption  # first of all: what Ctrl-C does while the rest is imported

__all__ = ["interruption"]
