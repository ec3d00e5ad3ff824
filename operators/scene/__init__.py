"""Scene as plain data: Blender versions, axes, cameras, placement."""
