"""The WaLa model library: wavelets, networks, conditions, pipeline, training. Knows torch; never bpy."""

__version__ = "0.1.0"
