"""Jobs: submission, progress in the panel, delivery as objects."""
