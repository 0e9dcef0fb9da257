"""Samples -> batches, each a pure function of (data, settings, seed, positions)."""
