"""Buildings and their elements."""
