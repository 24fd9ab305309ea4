"""Methods that make saliency maps, and which of them there are.

Each handcrafted one is a file here, found through `METHODS` of `names`; importing this package or
`names` loads none of them. Imports `base`, `pictures` and `regions`.
"""
