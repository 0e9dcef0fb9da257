"""A large reconstruction model: posed images -> one Gaussian per input pixel, in one pass (GS-LRM, LRM-Zero)."""
