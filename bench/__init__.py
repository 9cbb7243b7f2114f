"""Measurements: `limner bench NAME`. Results are kept as files."""
