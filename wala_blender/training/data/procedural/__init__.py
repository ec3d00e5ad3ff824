"""Procedural shapes to train on: composites of primitives, and families of named things."""
