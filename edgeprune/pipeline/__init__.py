"""The jobs: what happens in which order."""
