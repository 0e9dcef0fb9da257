"""The one training loop, which every trainer shares: `fit.fit` trains a `task.Task` with a `config.LoopConfig`."""
