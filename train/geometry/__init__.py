"""Geometry in torch: rays, Plücker coordinates, poses, isosurfaces."""
