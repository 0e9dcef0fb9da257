"""Frozen protocols and what scores models by them."""
