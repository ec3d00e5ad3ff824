"""Shared parts of captures: meshes, pixels, checks."""
