"""Makes trained networks fit microcontrollers: prune, quantise, compile to C, TFLite and ONNX."""

__version__ = "0.1.0"
