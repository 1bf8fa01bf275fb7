"""Vectors of images by networks that others have trained, or that a user brings."""
