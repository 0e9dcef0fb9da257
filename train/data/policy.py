"""What becomes of samples that cannot be used. Imports no torch: configs and the command line name it."""

ON_ERROR = ("raise", "skip")  # what an unusable sample does: end the run, or be named, counted and replaced
