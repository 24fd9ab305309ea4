"""How maps are scored against truth masks, and the files and tables that keep the figures.

Imports rooms up to `serving`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "figures": ["Evaluation", "Figures", "RunStage"],
        "field_scores": ["FieldScorer"],
        "metrics": ["image_scores"],
        "scores": ["Scores"],
    },
)
