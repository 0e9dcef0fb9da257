"""Detailed assets after DetailVerse: solids and signed distances, families of structures, details laid on them, exact
labels. No GL, no torch.
"""
