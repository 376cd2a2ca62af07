"""Texts: counted, cut, and made safe to show.

- `blocks` of a long one are worked on one after the other;
- `tokens` counts them, `passages` cuts a long one, `beginnings` cuts one off;
- `excerpts` keeps the relevant passages of one, and where they stand;
- `foreign_text` makes a text safe for terminals and pages.
"""
