"""Speed and memory, always beside bare httpx in the same process. Run: `python -m benchmarks`."""
