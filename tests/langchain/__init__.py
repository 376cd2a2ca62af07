"""The LangChain plugin inside LangChain."""
