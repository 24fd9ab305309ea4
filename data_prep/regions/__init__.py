"""Parts of a photo: colour spaces, SLIC segments, superpixels with their neighbours and means.

Imports nothing else of this project.
"""
