"""Conditions: one module for each kind of raw input, to tokens or grids."""
