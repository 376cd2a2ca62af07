"""Tests of how a ranking shows itself in a notebook."""
