"""Tests of the demo and of the start of the command line."""
