"""Serves `tiny_bert` with llama.cpp: `python run_llama_cpp.py FOLDER PORT`.

Runs in the Python that has `xllamacpp`, `gguf` and `numpy`, and imports nothing of this package.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path

import gguf
import numpy as np
import xllamacpp


def convert(folder: Path) -> Path:
    """The model's files as one GGUF, in the same folder."""
    config = json.loads((folder / "config.json").read_text())
    layers = config["num_hidden_layers"]
    path = folder / "model.gguf"
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_name("tiny-ce")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(layers)
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_file_type(0)
    writer.add_pooling_type(gguf.PoolingType.RANK)
    vocabulary(writer, (folder / "vocab.txt").read_text().split("\n"))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    heads = {"bert.pooler.dense": "cls", "classifier": "cls.output"}
    for name, values in tensors(folder / "model.safetensors"):
        owner, _, part = name.rpartition(".")
        known = heads.get(owner)
        told = f"{known}.{part}" if known else names.get_name(
            name.removeprefix("bert."), (".weight", ".bias")
        )  # fmt: skip
        writer.add_tensor(told, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def vocabulary(writer: gguf.GGUFWriter, words: list[str]) -> None:
    """The tokens as llama.cpp writes those of BERT: beginnings of words have a mark."""
    special = [len(word) > 3 and word[0] == "[" and word[-1] == "]" for word in words]
    tokens = [told(word, is_special) for word, is_special in zip(words, special, strict=True)]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([token.encode() for token in tokens])
    writer.add_token_types([3 if is_special else 1 for is_special in special])
    writer.add_token_scores([-1000.0] * len(tokens))
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(3)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(True)


def told(word: str, is_special: bool) -> str:
    """A token of BERT's in llama.cpp's writing."""
    if is_special:
        return word
    return word[2:] if word.startswith("##") and len(word) > 2 else f"\u2581{word}"


def tensors(path: Path) -> list[tuple[str, np.ndarray]]:
    """What a file of safetensors holds, all of it float32."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + length])
    found = []
    for name, told in head.items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in told["data_offsets"])
            values = np.frombuffer(content[begin:end], "<f4").reshape(told["shape"])
            found.append((name, values))
    return found


def serve(model: Path, port: int) -> None:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.embedding = True
    parameters.fit_params = False
    parameters.warmup = False
    parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_RANK
    parameters.n_ctx = 128
    parameters.n_parallel = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    server = xllamacpp.Server(parameters)
    assert server.listening_address
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    serve(convert(Path(sys.argv[1])), int(sys.argv[2]))
