"""Python environment and life cycle of the worker."""
