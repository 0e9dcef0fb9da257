"""The ground that everything stands on: keyed streams, records, exact arithmetic, whole files, the manners of a command
line.
"""
