"""Other projects' servers, started from environments of their own; what is not there is skipped."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from assisters_rerank.local import LocalServer

from ..local.surroundings import environment_without_proxies
from . import tiny_bert

MODEL = "tiny-ce"
MASTER_KEY = "sk-3f9a1c7be25d48069a8c4d17e60b92f5"  # of a proxy that lives for one test run
LIMITED_KEY = "sk-only-thirty-requests-a-minute"

# The first start of a server may compile things, on a machine that has other work.
_STARTS_WITHIN = 240.0


@dataclass(frozen=True)
class Real:
    """A running server, and what is needed to ask it."""

    name: str
    base_url: str
    options: dict[str, Any]
    reports_tokens: bool = True
    headers: dict[str, str] = field(default_factory=dict)

    def raw(self, query: str, texts: Sequence[str]) -> httpx.Response:
        """The server's own answer, asked without this package."""
        body = {"model": self.options["model"], "query": query, "documents": list(texts)}
        return httpx.post(f"{self.base_url}/rerank", json=body, headers=self.headers, timeout=120)

    def scores(self, query: str, texts: Sequence[str], at_once: int = 100) -> list[float]:
        """The server's own scores, in the order of the texts."""
        found: list[float] = []
        for at in range(0, len(texts), at_once):
            answer = self.raw(query, texts[at : at + at_once]).raise_for_status()
            results = sorted(answer.json()["results"], key=lambda result: result["index"])
            found += [result["relevance_score"] for result in results]
        return found


def python_with(module: str, variable: str) -> str:
    """The Python that has this module: the variable's, or the first one on the PATH."""
    given = os.environ.get(variable)
    candidates = [given] if given else [shutil.which("python3"), sys.executable]
    for python in filter(None, candidates):
        looks = (
            f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        )
        if subprocess.run([python, "-c", looks], check=False).returncode == 0:
            return python
    if given:
        raise AssertionError(f"{variable}: this Python has no module {module}")
    pytest.skip(f"{module} is not installed; {variable} may name the Python that has it")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], folder: Path, alive: str, **variables: str) -> Iterator[None]:
    """The command, from when the address `alive` answers; it is ended with the block."""
    log = folder / "server.log"
    environment = {**environment_without_proxies(), "HF_HUB_OFFLINE": "1", **variables}
    environment.pop("PYTHONPATH", None)
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, env=environment)
        try:
            end = time.monotonic() + _STARTS_WITHIN
            while not answers(alive):
                if process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"{command[0]} did not start: {log.read_text()[-2000:]}")
                time.sleep(0.2)
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@contextmanager
def llama_cpp(folder: Path) -> Iterator[Real]:
    python = python_with("xllamacpp", "ASSISTERS_TEST_LLAMA_CPP")
    port, script = free_port(), str(Path(__file__).with_name("run_llama_cpp.py"))
    model = str(tiny_bert.write(folder / "model"))
    with running([python, script, model, str(port)], folder, f"http://127.0.0.1:{port}/health"):
        yield asked_as("llama.cpp", port, MODEL)


@contextmanager
def infinity(folder: Path) -> Iterator[Real]:
    python = python_with("infinity_emb", "ASSISTERS_TEST_INFINITY")
    port, model = free_port(), str(tiny_bert.write(folder / "model"))
    command = [
        str(Path(python).with_name("infinity_emb")), "v2", "--model-id", model,
        "--served-model-name", MODEL, "--engine", "torch", "--device", "cpu",
        "--no-bettertransformer", "--url-prefix", "/v1", "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with running(command, folder, f"http://127.0.0.1:{port}/health"):
        yield asked_as("infinity", port, MODEL)


@contextmanager
def vllm(folder: Path) -> Iterator[Real]:
    python = python_with("vllm", "ASSISTERS_TEST_VLLM")
    port, model = free_port(), str(tiny_bert.write(folder / "model"))
    command = [
        str(Path(python).with_name("vllm")), "serve", model, "--served-model-name", MODEL,
        "--runner", "pooling", "--dtype", "float32", "--max-model-len", str(tiny_bert.WINDOW),
        "--enforce-eager", "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    cpu = {"VLLM_TARGET_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with running(command, folder, f"http://127.0.0.1:{port}/health", **cpu):
        yield asked_as("vLLM", port, MODEL)


@contextmanager
def litellm(folder: Path, upstream: LocalServer) -> Iterator[Real]:
    """LiteLLM's proxy in front of this package's local server; `LIMITED_KEY` has 30 a minute."""
    python = python_with("litellm", "ASSISTERS_TEST_LITELLM")
    port, address = free_port(), upstream.base_url
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys.py").write_text(_KEYS, encoding="utf-8")
    (folder / "config.yaml").write_text(_CONFIG.replace("ADDRESS", address), encoding="utf-8")
    command = [
        str(Path(python).with_name("litellm")), "--config", str(folder / "config.yaml"),
        "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    alive = f"http://127.0.0.1:{port}/health/liveliness"
    with running(command, folder, alive, LITELLM_LOCAL_MODEL_COST_MAP="True"):
        yield asked_as("LiteLLM", port, "priced", api_key=MASTER_KEY)


_KEYS = f"""
from litellm.proxy._types import UserAPIKeyAuth

async def known(request, api_key):
    if api_key not in ("{MASTER_KEY}", "{LIMITED_KEY}"):
        raise Exception("no such key")
    return UserAPIKeyAuth(api_key=api_key, rpm_limit=30 if api_key == "{LIMITED_KEY}" else None)
"""

_CONFIG = f"""
model_list:
  - model_name: priced
    litellm_params:
      model: jina_ai/bge-reranker-v2
      api_base: ADDRESS
      api_key: KEY
      input_cost_per_token: 0.0000001
    model_info: {{mode: rerank}}
  - model_name: unpriced
    litellm_params: {{model: jina_ai/bge-reranker-v2, api_base: ADDRESS, api_key: KEY}}
  - model_name: limited
    litellm_params: {{model: jina_ai/bge-reranker-v2, api_base: ADDRESS, api_key: KEY, rpm: 30}}
general_settings: {{custom_auth: keys.known, master_key: {MASTER_KEY}}}
litellm_settings: {{num_retries: 0, telemetry: false}}
router_settings: {{num_retries: 0}}
"""


def asked_as(name: str, port: int, model: str, **options: Any) -> Real:
    base_url = f"http://127.0.0.1:{port}/v1"
    key = options.get("api_key")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    asked = {"base_url": base_url, "model": model, "timeout": 120.0, **options}
    return Real(name, base_url, asked, headers=headers)
