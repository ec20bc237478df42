"""Strategies compared on a table of trained networks."""
