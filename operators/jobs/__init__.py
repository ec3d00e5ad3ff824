"""Jobs: started, followed in the panel, delivered as objects."""
