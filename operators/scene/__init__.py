"""The scene in plain numbers: Blender versions, axes, cameras, placement."""
