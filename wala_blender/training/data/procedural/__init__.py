"""Procedural training shapes: composites of primitives, and families of named objects."""
