"""Hypothesis strategies for the texts that people really send: blank, twice, broken, any script."""

from __future__ import annotations

from hypothesis import strategies as st

NASTY = (
    "", " ", "\n\t ", "\u2003", "\x00", "a\x00b", "\ud83d", "\ude00", "\ud83d\ude00", "x\ud800y",
    "\udfff\ud800", "😀", "👩‍👩‍👧", "שלום עולם", "مرحبا", "\u202eabc", "\ufeffbom",
    '"quoted" \\', "\x1c", "\u200b", "\x85", "e\u0301", "é", "a", "a ", "b", "c", "d",
)  # fmt: skip

texts = (
    st.sampled_from(NASTY)
    | st.text(max_size=4)
    | st.text(
        # Surrogates, which st.text() leaves out.
        st.characters(min_codepoint=0xD7FE, max_codepoint=0xE002, categories=("Cs", "Lo", "Co")),
        max_size=3,
    )
)
"""One text; lone surrogates, duplicates and blanks are common."""

lists = st.lists(texts, max_size=12)


def on_the_wire(text: str) -> str:
    """What a server reads: halves of a character joined where they meet, else replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
