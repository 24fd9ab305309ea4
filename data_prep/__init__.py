"""From photos to records: the lower package, which knows nothing of networks or runs.

Each command is a module here; what several of them need lies in the packages beside them.
"""
