"""Colours of results: taken over from coloured exemplars, or from a picture."""
