"""Parts of a photo: colour spaces, SLIC segments, superpixels with their neighbours and means.

Imports nothing else of this project.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"lab": ["rgb_to_lab"]})
