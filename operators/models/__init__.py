"""List of models, and the operators that fetch, add, verify and remove them."""
