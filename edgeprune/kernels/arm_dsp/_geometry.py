"""Parameters that several kernels of convolutions have, under one name each."""

from __future__ import annotations

from edgeprune.kernels.layer import Layer

Fields = tuple[tuple[str, int], ...]


def image_fields(layer: Layer) -> Fields:
    """Rows and columns of the input and the output, the border, and the zero points."""
    return (
        ("in_h", layer.image[0]),
        ("in_w", layer.image[1]),
        ("out_h", layer.out[0]),
        ("out_w", layer.out[1]),
        ("pad_top", layer.pad_top),
        ("pad_left", layer.pad_left),
        ("zero", layer.xq.scalar[1]),
        ("twice_zero", 2 * layer.yq.scalar[1] + 1),
    )


def channel_fields(layer: Layer, pitch: int) -> Fields:
    """Channels of the input and the output, whose pixels are ``pitch`` bytes apart."""
    return (("in_c", layer.image[2]), ("out_c", layer.out[2]), ("pitch", pitch))


def window_fields(layer: Layer) -> Fields:
    """What of the kernel's windows all drivers that go along kernel rows want."""
    return (
        ("kernel_h", layer.kernel[0]),
        ("stride_h", layer.stride[0]),
        ("stride_w", layer.stride[1]),
        ("dilation_h", layer.dilation[0]),
    )
