"""A server that breaks HTTP on purpose, the faults it can play, and what each must lead to."""
