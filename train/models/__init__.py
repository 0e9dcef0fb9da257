"""The models, a folder each: config, network, task."""
