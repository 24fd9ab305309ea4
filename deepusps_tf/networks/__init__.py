"""The saliency network: backbones, head, pretrained weights, folding and losses.

Imports `data_prep`; free of settings, records and runs.
"""
