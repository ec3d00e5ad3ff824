"""Conditions: raw inputs → tokens or feature grids, one module for each kind of input."""
