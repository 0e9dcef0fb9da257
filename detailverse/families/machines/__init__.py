"""Machines, instruments, vehicles and electronics."""
