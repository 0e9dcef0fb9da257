"""The commands that make, check and show shards. Light to import: a stage is imported only when its command runs."""
