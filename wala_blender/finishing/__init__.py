"""Finishing: what becomes of an extracted surface before it is delivered, a step a module."""
