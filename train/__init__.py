"""Shards to weights to numbers: models, their losses and metrics, one training loop, the benchmark."""
