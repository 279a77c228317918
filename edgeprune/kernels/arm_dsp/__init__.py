"""int8 and float32 kernels for Armv7E-M and Armv8-M cores with the DSP extension (M4, M7, M33)."""
