"""How the methods' labels make one network.

Imports rooms up to `scoring`.
"""
