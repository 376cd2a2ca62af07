"""The commands of `assisters-rerank`, a module each."""
