"""Data, losses, loops and evaluation of the starter model. Nothing else of the package imports it, except the command
line."""
