"""Scores, and the intervals around their means."""
