"""A cross-encoder with random weights and a window of 128 tokens, in the hub's files.

A BERT of two layers, large enough for every server (vLLM wants heads of 64) and written in a blink.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WINDOW = 128
_HIDDEN, _INNER, _LAYERS, _HEADS = 128, 128, 2, 2
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = ["cats", "eat", "fish", "dogs", "walk", "daily", "sleep", "rain", "the", "of", "is", "in"]
_LETTERS = string.ascii_lowercase + string.digits

VOCABULARY = [
    *_SPECIAL, *_WORDS, *_LETTERS, *string.punctuation, *(f"##{letter}" for letter in _LETTERS)
]  # fmt: skip


def write(folder: Path) -> Path:
    """Writes the model and its tokenizer; gives the folder back."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights(), str(folder / "model.safetensors"), {"format": "pt"})
    _tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY), encoding="utf-8")
    for name, content in {"config.json": _config(), "tokenizer_config.json": _TOKENIZER}.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def weights() -> dict[str, np.ndarray[Any, Any]]:
    """Every weight by its name, the same in every run."""
    random = np.random.default_rng(3)

    def normal(*shape: int, spread: float = 0.6) -> np.ndarray[Any, Any]:
        return (random.standard_normal(shape) * spread).astype(np.float32)

    found: dict[str, np.ndarray[Any, Any]] = {}

    def linear(name: str, to: int, of: int, spread: float = 0.6) -> None:
        found[f"{name}.weight"] = normal(to, of, spread=spread)
        found[f"{name}.bias"] = np.zeros(to, np.float32)

    def norm(name: str) -> None:
        found[f"{name}.weight"] = np.ones(_HIDDEN, np.float32)
        found[f"{name}.bias"] = np.zeros(_HIDDEN, np.float32)

    for name, rows in {"word": len(VOCABULARY), "position": WINDOW, "token_type": 2}.items():
        found[f"bert.embeddings.{name}_embeddings.weight"] = normal(rows, _HIDDEN)
    norm("bert.embeddings.LayerNorm")
    for number in range(_LAYERS):
        layer = f"bert.encoder.layer.{number}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", _HIDDEN, _HIDDEN, 0.1)
        linear(f"{layer}.attention.output.dense", _HIDDEN, _HIDDEN, 0.1)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", _INNER, _HIDDEN, 0.1)
        linear(f"{layer}.output.dense", _HIDDEN, _INNER, 0.1)
        norm(f"{layer}.output.LayerNorm")
    linear("bert.pooler.dense", _HIDDEN, _HIDDEN, 0.1)
    linear("classifier", 1, _HIDDEN, 0.2)
    return found


def _config() -> dict[str, object]:
    return {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "vocab_size": len(VOCABULARY),
        "hidden_size": _HIDDEN,
        "intermediate_size": _INNER,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": _HEADS,
        "max_position_embeddings": WINDOW,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "id2label": {"0": "LABEL_0"},
        "label2id": {"LABEL_0": 0},
        "torch_dtype": "float32",
    }


_TOKENIZER = {
    "tokenizer_class": "BertTokenizer",
    "do_lower_case": True,
    "model_max_length": WINDOW,
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def _tokenizer() -> Tokenizer:
    ids = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.add_special_tokens(_SPECIAL)
    return tokenizer
