"""The noise schedule, samplers and guidance."""
