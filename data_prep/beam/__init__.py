"""The stages of `data_prep.beam_prepare` on Apache Beam.

Imports all other packages of `data_prep` and its local commands.
"""
