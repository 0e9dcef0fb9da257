"""Curation from triangles alone: planar bases, shape descriptors, near-duplicates, planted defects, watertight
surfaces. No GL, no pictures.

What needs pictures is in `renderers.curation`: this package must not know how to render.
"""
