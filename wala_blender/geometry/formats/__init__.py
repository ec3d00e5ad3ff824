"""Readers and writers of mesh files: each reader gives vertices (V, 3) float64 and triangles (F, 3) int64 as the file
has them."""
