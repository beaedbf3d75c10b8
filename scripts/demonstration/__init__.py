"""The demonstration: what `scripts/demo` runs and prints."""
