"""Methods that make saliency maps, and which of them there are.

Each handcrafted one is a file here, found through `METHODS` of `names`; importing this package or
`names` loads none of them. Imports `base`, `pictures` and `regions`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submod_attrs={"names": ["METHODS", "in_batches", "parse_methods"]}
)
