"""Procedural objects after LRM-Zero: primitives, height fields, boolean cuts, wireframes, solid textures. No GL, no
torch.
"""
