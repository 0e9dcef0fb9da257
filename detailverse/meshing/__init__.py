"""Meshes from distance fields, and the repair of meshes."""
