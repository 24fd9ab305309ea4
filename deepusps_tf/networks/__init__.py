"""The saliency network: backbones, head, pretrained weights, folding and losses.

Imports `settings`, of which it takes the names of parts.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "folding": ["inference_twin"],
        "losses": ["LabelLoss", "find_loss"],
        "saliency_network": ["build_model"],
    },
)
