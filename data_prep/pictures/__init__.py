"""Pictures: which files of a folder are photos, how photos, maps and masks are read and written.

Imports `base`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "images": ["read_rgb", "write_png"],
        "masks": ["read_grey", "read_mask"],
        "opening": ["ImageError"],
        "photos": ["Photo", "list_photos"],
    },
)
