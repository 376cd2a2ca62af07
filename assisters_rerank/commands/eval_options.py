"""Options of `eval` for the data, the rerankers of a file, and the results for other tools."""

from __future__ import annotations

import typer

from .command_options import OUTPUT

COLLECTION = typer.Argument(
    metavar="DIR",
    help="Folder or archive with a corpus, queries and judgements, as BEIR, MTEB, Hugging Face or "
    "MS MARCO have them; or one file: questions with contexts, queries with positive and negative "
    "passages, LlamaIndex's EmbeddingQAFinetuneDataset.",
)
INIT = typer.Option("--init", help="Only write a small collection into DIR, to see the files.")
RERANKERS = typer.Option(
    "--rerankers",
    metavar="FILE",
    help="Rerankers of any servers to compare: a TOML file with a table [[reranker]] for each, "
    "with its options and key_variable, the name of the variable that holds its key.",
)
RUN = typer.Option(
    metavar="FILE",
    help="Candidates of your own first stage: a run of TREC's tools, MS MARCO's, or JSON; else "
    "BM25's.",
)
CORPUS = typer.Option(metavar="FILE", help="Documents to use instead of DIR's.")
QUERIES = typer.Option(metavar="FILE", help="Queries to use instead of DIR's.")
QRELS = typer.Option(
    metavar="FILE",
    help="Judgements to use instead of DIR's: BEIR's, TREC's, CSV, JSON and others.",
)
FIELD = typer.Option(
    metavar="MEANING=NAME",
    help="Your name of a field in the files, e.g. text=abstract; repeat it for several. Meanings: "
    "id, title, text, query, query_id, document_id, grade, rank, score, question, relevant, "
    "contexts, retrieved, positive, negative.",
)
SPLIT = typer.Option(metavar="SPLIT", help="Judgements of DIR to use: those in qrels/SPLIT.tsv.")
ALLOW_MISSING = typer.Option(
    "--allow-missing",
    help="Count relevant documents that are missing in the corpus as never found.",
)
KEEP_IDENTICAL = typer.Option(
    "--keep-identical",
    help="Keep a document among the candidates of a query with the same id and text.",
)
DROP_IDENTICAL_IDS = typer.Option(
    "--drop-identical-ids",
    help="Leave out a document with its query's id, whatever its text is (BEIR's rule).",
)
EXPORT = typer.Option(
    metavar="FOLDER",
    rich_help_panel=OUTPUT,
    help="Write the runs in TREC's format, with the scores of each model, and the values of every "
    "measure for each query.",
)
GATE = typer.Option(
    metavar="FILE",
    rich_help_panel=OUTPUT,
    help="Compare with the report of an earlier run (its --json), query by query; exit with 1 if a "
    "model is significantly below it.",
)
GATE_MEASURE = typer.Option(
    metavar="NAME", rich_help_panel=OUTPUT, help="Measure of --gate; nDCG@10 without it."
)
SAVE_SETTINGS = typer.Option(
    metavar="FILE",
    rich_help_panel=OUTPUT,
    help="Write the settings that come out best as TOML, for Reranker.from_file; without a key.",
)
