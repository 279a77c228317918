"""Sliding windows: padding and output sizes, shared by convolutions and pools."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeprune.errors import EdgePruneError

Pair = tuple[int, int]


@dataclass(frozen=True)
class Padding:
    """Rows and columns that are added around an image."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is added."""
        return bool(self.top or self.left or self.bottom or self.right)


NO_PADDING = Padding()


def onnx_pads(pad: Padding) -> list[int]:
    """In ONNX's order."""
    return [pad.top, pad.left, pad.bottom, pad.right]


def reference_pads(pad: Padding) -> tuple[int, int, int, int]:
    """In the order of :mod:`edgeprune.ir.fixedpoint`."""
    return pad.top, pad.bottom, pad.left, pad.right


def need(condition: bool, what: str) -> None:
    """Refuse operands of which a condition does not hold."""
    if not condition:
        raise EdgePruneError("operands", what)


def out_length(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Positions of a window along one axis."""
    span = (kernel - 1) * dilation + 1
    return (size + before + after - span) // stride + 1


def out_size(
    image: tuple[int, ...], kernel: Pair, stride: Pair, dilation: Pair, pad: Padding
) -> Pair:
    """Height and width of a windowed operator's result.

    Raises:
        EdgePruneError: the operand is no image, or smaller than the window.
    """
    if len(image) != 3:
        raise EdgePruneError("operand", f"is {list(image)}, not an image (h, w, c)")
    h = out_length(image[0], kernel[0], stride[0], dilation[0], pad.top, pad.bottom)
    w = out_length(image[1], kernel[1], stride[1], dilation[1], pad.left, pad.right)
    if h < 1 or w < 1:
        raise EdgePruneError(
            "operand", f"{image[0]}x{image[1]} is smaller than the window {kernel[0]}x{kernel[1]}"
        )
    return h, w


def rows_read(
    rows: range, height: int, kernel: int, stride: int, dilation: int, pad: Padding
) -> tuple[range, Padding] | None:
    """Rows of an image that windows see, and the padding around these.

    Args:
        rows: of windows.
        height: of the image.
        kernel: rows of a window.
        stride: from one to the next.
        dilation: from one row of a window to the next.
        pad: around the whole image.

    Returns:
        None where they see nothing but padding.
    """
    first = rows.start * stride - pad.top
    end = (rows.stop - 1) * stride - pad.top + (kernel - 1) * dilation + 1
    inside = range(max(first, 0), min(end, height))
    if not inside:
        return None
    return inside, replace(pad, top=max(-first, 0), bottom=max(end - height, 0))


def same_padding(image: tuple[int, ...], kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    """TensorFlow's SAME: as many positions as size / stride rounded up, the odd one behind."""
    total = [
        max(
            (-(-image[i] // stride[i]) - 1) * stride[i]
            + (kernel[i] - 1) * dilation[i]
            + 1
            - image[i],
            0,
        )
        for i in (0, 1)
    ]
    top, left = total[0] // 2, total[1] // 2
    return Padding(top, left, total[0] - top, total[1] - left)


def tflite_padding(
    image: tuple[int, ...], kernel: Pair, stride: Pair, dilation: Pair, pad: Padding
) -> str | None:
    """Give "SAME" or "VALID" where that means this padding; None: an explicit PAD is needed."""
    if not pad.any:
        return "VALID"
    return "SAME" if pad == same_padding(image, kernel, stride, dilation) else None
