"""Losses, pure and unreduced."""
