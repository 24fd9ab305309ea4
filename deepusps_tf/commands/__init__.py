"""What each mode of the program does, a module each.

Imports every other room of `deepusps_tf` but `main`, which imports the one whose mode is asked for.
"""
