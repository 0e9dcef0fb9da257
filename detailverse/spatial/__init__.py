"""Queries on a triangle mesh: nearest points and rays, incidence, connected pieces, samples of the surface."""
