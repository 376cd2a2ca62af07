"""Writes the small `tokenizer.json` that a page needs: `python write_tokenizer.py FILE`."""

from __future__ import annotations

import sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers


def main(path: str) -> None:
    """It cuts texts off, as some models' tokenizers do."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["Port 7 is opened at start. To run a command"], trainer)
    tokenizer.enable_truncation(512)
    tokenizer.save(path)


if __name__ == "__main__":
    main(sys.argv[1])
