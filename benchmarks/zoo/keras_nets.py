"""Networks as people write them in Keras, with seeded random weights: name -> model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers as k


def model(shape: tuple[int, ...], *layers: Any, dtype: str = "float32") -> keras.Model:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def image(*layers: Any) -> keras.Model:
    rest = (k.GlobalAveragePooling2D(), k.Dense(5))
    return model((16, 16, 3), k.Conv2D(8, 3, padding="same"), *layers, *rest)


def sequence(*layers: Any) -> keras.Model:
    return model((12, 8), *layers, k.Dense(5))


def activated(name: str) -> keras.Model:
    return image(k.Activation(name))


def attention() -> keras.Model:
    x = keras.Input((12, 16))
    y = k.LayerNormalization()(x + k.MultiHeadAttention(4, 4)(x, x))
    y = k.LayerNormalization()(y + k.Dense(16)(k.Dense(32, activation="relu")(y)))
    return keras.Model(x, k.Dense(5)(k.GlobalAveragePooling1D()(y)))


def unet() -> keras.Model:
    x = keras.Input((16, 16, 3))
    a = k.Conv2D(8, 3, padding="same", activation="relu")(x)
    b = k.Conv2D(16, 3, padding="same", activation="relu")(k.MaxPooling2D()(a))
    y = k.Concatenate()([a, k.Conv2DTranspose(8, 2, 2)(b)])
    return keras.Model(x, k.Conv2D(2, 1)(y))


MODELS: dict[str, Callable[[], keras.Model]] = {
    "mobilenet": lambda: keras.applications.MobileNet(
        (32, 32, 3), alpha=0.25, weights=None, classes=5),
    "mobilenet_v2": lambda: keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, weights=None, classes=5),
    "lstm": lambda: sequence(k.LSTM(12)),
    "gru": lambda: sequence(k.GRU(12)),
    "embedding_text": lambda: model((12,), k.Embedding(50, 8), k.GlobalAveragePooling1D(),
                                    k.Dense(5), dtype="int32"),
    "transformer_mha": attention,
    "layernorm_mlp": lambda: model((16,), k.Dense(24), k.LayerNormalization(), k.Dense(5)),
    "sepconv1d": lambda: sequence(k.SeparableConv1D(8, 3), k.GlobalAveragePooling1D()),
    "causal_conv1d": lambda: sequence(k.Conv1D(8, 3, padding="causal", dilation_rate=2),
                                      k.GlobalAveragePooling1D()),
    "preproc_rescale": lambda: model((16, 16, 3), k.Rescaling(1 / 255), k.Conv2D(8, 3),
                                     k.GlobalAveragePooling2D(), k.Dense(5)),
    "lstm_unroll": lambda: sequence(k.LSTM(12, unroll=True)),
    "gru_unroll": lambda: sequence(k.GRU(12, unroll=True)),
    "bilstm": lambda: sequence(k.Bidirectional(k.LSTM(12))),
    "simplernn": lambda: sequence(k.SimpleRNN(12)),
    "lstm_stacked": lambda: sequence(k.LSTM(12, return_sequences=True), k.LSTM(8)),
    "groupnorm_cnn": lambda: image(k.GroupNormalization(2)),
    "conv1dtranspose_ae": lambda: sequence(k.Conv1D(4, 4, 2, padding="same"),
                                           k.Conv1DTranspose(8, 4, 2, padding="same")),
    "zeropad_cropping_bnfirst": lambda: model(
        (16, 16, 3), k.BatchNormalization(), k.ZeroPadding2D(2), k.Conv2D(8, 3),
        k.Cropping2D(1), k.GlobalAveragePooling2D(), k.Dense(5)),
    "dw_mult_dilated": lambda: image(k.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2)),
    "timedistributed": lambda: sequence(k.TimeDistributed(k.Dense(6)), k.Flatten()),
    "resize_in_model": lambda: model((8, 8, 3), k.Resizing(16, 16), k.Conv2D(8, 3),
                                     k.GlobalAveragePooling2D(), k.Dense(5)),
    "act_mish": lambda: activated("mish"),
    "act_softplus": lambda: activated("softplus"),
    "act_gelu": lambda: activated("gelu"),
    "act_selu": lambda: activated("selu"),
    "act_relu6": lambda: activated("relu6"),
    "act_hard_silu": lambda: activated("hard_silu"),
    "act_log_softmax": lambda: model((16,), k.Dense(5, activation="log_softmax")),
    "unitnorm": lambda: model((16,), k.Dense(24), k.UnitNormalization(), k.Dense(5)),
    "conv3d": lambda: model((6, 8, 8, 3), k.Conv3D(4, 3), k.GlobalAveragePooling3D(), k.Dense(5)),
    "convlstm1d": lambda: model((4, 8, 3), k.ConvLSTM1D(4, 3), k.Flatten(), k.Dense(5)),
    "unet": unet,
}  # fmt: skip
