"""The worker's Python environment and the worker's life in it."""
