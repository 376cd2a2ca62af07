"""Hypothesis strategies: prose that queries and documents share words of, and texts that break."""

from __future__ import annotations

from hypothesis import strategies as st

_WORDS = """
the of and in how what is run running runs command output capture process subprocess cell cells
DNA dna protein France Paris capital 2019 5 B12 café naïve machine learning ML это язык 日本 天気
หมา हिन्दी שלום 🚀 C++ x -> deoxyribonucleic
"""
WORDS = _WORDS.split()

BROKEN = ("", " ", "\n\t", "\x00", "a\x00b", "\ud83d", "\ude00x", "...", "e\u0301", "\u202ea", "ﬁ")

prose = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)
texts = prose | st.sampled_from(BROKEN) | st.text(max_size=30)
lists = st.lists(texts, max_size=12)
