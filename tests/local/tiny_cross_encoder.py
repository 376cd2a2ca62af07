"""A cross-encoder of a few hundred bytes, in the files of a model on the hub.

    logit = 4 * (share of positions that hold a query's token in the document) - 1

The share is taken of *all* positions, padding included: like a quantised model, only worse, it
gives a pair another score when it is padded to a longer neighbour.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cats", "dogs", "sleep", "bark", "all", "day", "long"]


def write(folder: Path, model_file: str = "model.onnx") -> Path:
    """Writes the model and its tokenizer; gives the folder back."""
    (folder / model_file).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(_model(), str(folder / model_file))
    _tokenizer().save(str(folder / "tokenizer.json"))
    for name, content in {
        "tokenizer_config.json": {"model_max_length": 32, "pad_token": "[PAD]"},
        "config.json": {"pad_token_id": 0},
        "special_tokens_map.json": {"pad_token": "[PAD]"},
    }.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def expected_logit(query: str, document: str) -> float:
    """What the model says of a pair without padding, counted in plain Python."""
    first, second = query.split(), document.split()
    shared = sum(word in WORDS and second.count(word) for word in first)
    return 4 * shared / (len(first) + len(second) + 3) - 1


def _tokenizer() -> Tokenizer:
    ids = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    return tokenizer


def _model() -> onnx.ModelProto:
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in names]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 1])

    def number(name: str, kind: int, values: list[float]) -> onnx.TensorProto:
        return helper.make_tensor(name, kind, [len(values)], values)

    constants = [
        number("as_row", TensorProto.INT64, [1]),
        number("as_column", TensorProto.INT64, [2]),
        number("last_special", TensorProto.INT64, [3]),
        number("inner", TensorProto.INT64, [1, 2]),
        number("four", TensorProto.FLOAT, [4.0]),
        number("one", TensorProto.FLOAT, [1.0]),
    ]
    node = helper.make_node
    nodes = [
        node("Greater", ["input_ids", "last_special"], ["is_word"]),
        node("Cast", ["token_type_ids"], ["in_document"], to=TensorProto.BOOL),
        node("Not", ["in_document"], ["in_query"]),
        node("And", ["is_word", "in_query"], ["query_words"]),
        node("And", ["is_word", "in_document"], ["document_words"]),
        node("Unsqueeze", ["input_ids", "as_column"], ["columns"]),
        node("Unsqueeze", ["input_ids", "as_row"], ["rows"]),
        node("Equal", ["columns", "rows"], ["equal"]),
        node("Unsqueeze", ["query_words", "as_column"], ["query_column"]),
        node("Unsqueeze", ["document_words", "as_row"], ["document_row"]),
        node("And", ["query_column", "document_row"], ["pairs"]),
        node("And", ["equal", "pairs"], ["shared"]),
        node("Cast", ["shared"], ["shared_numbers"], to=TensorProto.FLOAT),
        node("ReduceSum", ["shared_numbers", "inner"], ["total"], keepdims=0),
        node("Shape", ["attention_mask"], ["shape"]),
        node("Gather", ["shape", "as_row"], ["length"], axis=0),
        node("Cast", ["length"], ["length_number"], to=TensorProto.FLOAT),
        node("Div", ["total", "length_number"], ["share"]),
        node("Mul", ["share", "four"], ["scaled"]),
        node("Sub", ["scaled", "one"], ["logit"]),
        node("Unsqueeze", ["logit", "as_row"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "tiny-cross-encoder", inputs, [output], constants)
    # Versions that runtimes of years ago know already.
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
