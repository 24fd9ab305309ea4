"""How maps are scored against truth masks, and the tables that keep the figures.

Imports rooms up to `serving`.
"""
