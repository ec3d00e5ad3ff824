"""Colours of results: a network chooses them for a shape by its form, its words and its picture."""
