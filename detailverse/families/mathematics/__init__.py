"""Polyhedra, bands, lattices and shells."""
