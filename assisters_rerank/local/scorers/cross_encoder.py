"""The `cross-encoder` scorer: a real model, run on this machine by fastembed over ONNX.

    score = 1 / (1 + exp(-logit))

Every pair is run on its own. In a batch the shorter pairs are padded to the longest, and then the
last bits of a score, with quantised models more, depend on its neighbours: a ranking that was split
over several requests would not be the same ranking. On a CPU this costs little, since padding is
work as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ConfigurationError

if TYPE_CHECKING:
    from fastembed.rerank.cross_encoder import TextCrossEncoder

DEFAULT_MODEL = "Xenova/ms-marco-MiniLM-L-6-v2"
"""The smallest of the models that fastembed lists: 80 MB, English, trained on MS MARCO."""

_FILES = ("model.onnx", "onnx/model.onnx")


class CrossEncoderScorer:
    """Scores pairs with a cross-encoder; threads may share it.

    Args:
        model: a name that fastembed lists, or a repository on the Hugging Face Hub that has
            `onnx/model.onnx`; downloaded when constructed, unless fastembed has it already.
        folder: a model on this machine instead: `model.onnx` (in the folder or its subfolder
            `onnx`), `tokenizer.json` and `tokenizer_config.json`, as on the hub. Nothing is
            downloaded.

    Raises:
        ConfigurationError: fastembed is missing, or the model cannot be loaded.
    """

    def __init__(self, model: str | None = None, *, folder: str | Path | None = None) -> None:
        if model is not None and folder is not None:
            raise ConfigurationError("Give a cross-encoder's name or its folder, not both.")
        source = DEFAULT_MODEL if model is None else model
        if folder is not None:
            source = str(Path(folder).resolve())
        self.name = f"local-cross-encoder/{Path(source).name if folder is not None else source}"
        try:
            self._encoder = _load(source, is_folder=folder is not None)
        except ImportError as error:
            raise ConfigurationError(
                f"{error.name} is missing: the cross-encoder needs the extra `cross-encoder` "
                '(pip install "assisters-rerank[cross-encoder]").'
            ) from error
        except ConfigurationError:
            raise
        except Exception as error:  # fastembed, tokenizers and ONNX have no common base class
            advice = "" if folder is not None else " Without the hub, give a local folder."
            raise ConfigurationError(
                f"The cross-encoder {source} cannot be loaded: {error}.{advice}"
            ) from error

    def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """A relevance score of 0…1 for every document, in their order."""
        texts = [_encodable(document) for document in documents]
        logits = self._encoder.rerank(_encodable(query), texts, batch_size=1)
        return [_sigmoid(logit) for logit in logits]


def _load(source: str, *, is_folder: bool) -> TextCrossEncoder:
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    file = _model_file(Path(source)) if is_folder else _FILES[1]
    name = f"{source}:{file}" if is_folder else source
    known = {model["model"].lower() for model in TextCrossEncoder.list_supported_models()}
    if name.lower() not in known:
        TextCrossEncoder.add_custom_model(name, sources=ModelSource(hf=source), model_file=file)
    if is_folder:
        return TextCrossEncoder(name, specific_model_path=source)
    return TextCrossEncoder(name)


def _model_file(folder: Path) -> str:
    for file in _FILES:
        if (folder / file).is_file():
            return file
    problem = "has no model.onnx" if folder.is_dir() else "is not a folder"
    raise ConfigurationError(f"{folder} {problem}: give the folder of a cross-encoder in ONNX.")


def _encodable(text: str) -> str:
    """Without unpaired surrogates, which are no characters and which tokenizers refuse."""
    return text.encode("utf-8", "ignore").decode()


def _sigmoid(logit: float) -> float:
    # Each branch keeps exp below 1, which cannot overflow.
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))
