"""Registry of models, installation and strict checkpoint loading."""
