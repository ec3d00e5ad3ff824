"""The table of models and strict checkpoint loading."""
