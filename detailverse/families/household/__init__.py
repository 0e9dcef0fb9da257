"""Furniture, vessels, woven things, tools and books."""
