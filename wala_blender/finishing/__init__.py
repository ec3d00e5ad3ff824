"""Finishing: post-processing of an extracted surface before it is delivered, one module a step."""
