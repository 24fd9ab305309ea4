"""A run's page: tables, charts and pictures.

Imports rooms up to `evaluation`.
"""
