"""Demo: a sketch, a blockout and a prompt through headless Blender and the installed extension. Not part of the
extension's zip."""
