"""What captures of the scene share: meshes, pixels, checks."""
