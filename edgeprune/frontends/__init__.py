"""Files in: a model file, or a PyTorch module, → Graph."""
