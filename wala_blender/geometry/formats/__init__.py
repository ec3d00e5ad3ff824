"""Readers and writers of mesh files. A reader returns a MeshFile."""
