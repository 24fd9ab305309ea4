"""The names of the handcrafted methods, readable without loading Numba."""

METHODS = ("rbd", "dsr", "mc", "hs")
