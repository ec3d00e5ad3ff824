"""Neural networks and their building blocks: shapes and arithmetic, no files."""
