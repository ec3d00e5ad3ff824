"""Readers and writers of mesh files. A reader returns vertices (V, 3) float64 and triangles (F, 3) int64 as stored in
the file."""
