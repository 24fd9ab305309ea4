"""What every room stands on: a user's mistake in one line, how commands end, locks, processes.

Imports nothing else of this project.
"""
