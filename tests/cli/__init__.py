"""Tests of the command line, as far as they are not about one command's subject (demo, serve)."""
