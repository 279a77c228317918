"""Cross compilers and emulators: links generated C, reads sizes, runs and counts it."""
