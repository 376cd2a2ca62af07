"""Speed and memory, always next to bare httpx in the same process. Run: `python -m benchmarks`."""
