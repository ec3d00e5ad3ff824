"""Preview of an input as the model gets it, in the panel or over the viewport."""
