"""The commands of `assisters-rerank`, a module each: `rerank`, `eval`, `serve`, `models`.

- `main` turns what a command raises into one line and an exit code; `application` is typer's;
- `command_options` makes options out of `RerankOptions`; `key` asks for a key before any work;
- `reading` reads what is to be ranked, `output` writes the ranking, `progress` shows a bar.
"""
