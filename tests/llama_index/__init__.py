"""The LlamaIndex plugin inside LlamaIndex."""
