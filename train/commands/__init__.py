"""The commands that need a model. Light to import: a stage is imported only when its command runs."""
