"""Networks as people write them in PyTorch, with seeded random weights: (module, inputs)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as f

Made = tuple[nn.Module, tuple[Tensor, ...]]


class Net(nn.Module):
    """A function of the inputs and of some modules."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.parts, self.function = nn.ModuleList(parts), function

    def forward(self, *x: Tensor) -> Any:
        return self.function(*x, *self.parts)


def image(c: int = 3, size: int = 16) -> tuple[Tensor, ...]:
    return (torch.randn(1, c, size, size),)


def sequence(c: int = 8, n: int = 32) -> tuple[Tensor, ...]:
    return (torch.randn(1, c, n),)


def row(n: int = 16) -> tuple[Tensor, ...]:
    return (torch.randn(1, n),)


def tokens(n: int = 12, c: int = 16) -> tuple[Tensor, ...]:
    return (torch.randn(1, n, c),)


def block(i: int, o: int, k: int = 3, *, act: nn.Module | None = None, **kw: Any) -> nn.Sequential:
    parts = nn.Conv2d(i, o, k, padding=k // 2, bias=False, **kw), nn.BatchNorm2d(o)
    return nn.Sequential(*parts, act or nn.ReLU())


def block1(i: int, o: int, k: int = 3, **kw: Any) -> nn.Sequential:
    dilation = kw.get("dilation", 1)
    conv = nn.Conv1d(i, o, k, padding=k // 2 * dilation, bias=False, **kw)
    return nn.Sequential(conv, nn.BatchNorm1d(o), nn.ReLU())


def separable(i: int, o: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(block(i, i, groups=i, stride=stride), block(i, o, 1))


def head(c: int, classes: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c, classes))


def head1(c: int, classes: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(c, classes))


def activated(act: nn.Module) -> Made:
    return nn.Sequential(block(3, 8, act=act), nn.Conv2d(8, 8, 3), act, head(8)), image()


def mlp(*parts: nn.Module) -> Made:
    return nn.Sequential(nn.Linear(16, 24), *parts, nn.Linear(24, 5)), row()


def residual(c: int) -> nn.Module:
    return Net(lambda x, a, b: f.relu(x + b(a(x))), block(c, c), block(c, c, act=nn.Identity()))


def squeeze(c: int) -> nn.Module:
    gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c // 2, 1), nn.ReLU(),
                         nn.Conv2d(c // 2, c, 1), nn.Sigmoid())  # fmt: skip
    return Net(lambda x, g: x * g(x), gate)


def shuffle(groups: int) -> nn.Module:
    return nn.ChannelShuffle(groups)


def last(layer: nn.Module, width: int) -> Made:
    return Net(lambda x, r, h: h(r(x)[0][:, -1]), layer, nn.Linear(width, 5)), (
        torch.randn(1, 12, 8),
    )


def attention(x: Tensor, q: nn.Module, k: nn.Module, v: nn.Module) -> Tensor:
    return (q(x) @ k(x).transpose(1, 2) / 4).softmax(-1) @ v(x)


def causal(x: Tensor, q: nn.Module, k: nn.Module) -> Tensor:
    future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    return (q(x) @ k(x).transpose(1, 2)).masked_fill(future, -torch.inf).softmax(-1) @ x


def linear3() -> tuple[nn.Linear, nn.Linear, nn.Linear]:
    return nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)


def encoder(**kw: Any) -> Made:
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, **kw)
    return Net(lambda x, e, h: h(e(x).mean(1)), layer, nn.Linear(16, 5)), tokens()


def vit() -> Made:
    def run(x: Tensor, patch: nn.Module, e: nn.Module, h: nn.Module) -> Tensor:
        return h(e(patch(x).flatten(2).transpose(1, 2)).mean(1))

    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
    return Net(run, nn.Conv2d(3, 16, 4, 4), layer, nn.Linear(16, 5)), image()


def swin() -> Made:
    """Windows of a rolled image attend within themselves."""

    def run(x: Tensor, p: nn.Module, norm: nn.Module, a: nn.Module, h: nn.Module) -> Tensor:
        y = torch.roll(p(x).permute(0, 2, 3, 1), (-1, -1), (1, 2))
        w = y.reshape(1, 2, 2, 2, 2, 16).transpose(2, 3).reshape(4, 4, 16)
        w = a(norm(w), norm(w), norm(w))[0] + w
        y = w.reshape(1, 2, 2, 2, 2, 16).transpose(2, 3).reshape(1, 4, 4, 16)
        return h(y.mean((1, 2)))

    parts = nn.LayerNorm(16), nn.MultiheadAttention(16, 2, batch_first=True), nn.Linear(16, 5)
    return Net(run, nn.Conv2d(3, 16, 4, 4), *parts), image()


def convnext() -> nn.Module:
    def run(x: Tensor, d: nn.Module, n: nn.Module, a: nn.Module, b: nn.Module) -> Tensor:
        y = n(d(x).permute(0, 2, 3, 1))
        return x + b(f.gelu(a(y))).permute(0, 3, 1, 2)

    parts = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)
    return Net(run, nn.Conv2d(8, 8, 7, padding=3, groups=8), *parts)


def unet() -> Made:
    def run(x: Tensor, a: nn.Module, b: nn.Module, up: nn.Module, c: nn.Module) -> Tensor:
        y = a(x)
        return c(torch.cat([y, up(b(f.max_pool2d(y, 2)))], 1))

    return Net(run, block(3, 8), block(8, 16), nn.ConvTranspose2d(16, 8, 2, 2),
               nn.Conv2d(16, 2, 1)), image()  # fmt: skip


def yolo_decode(x: Tensor, net: nn.Module) -> Tensor:
    y = net(x).reshape(1, 2, 7, 4, 4).permute(0, 1, 3, 4, 2).sigmoid()
    return torch.cat([y[..., :2] * 2 - 0.5, (y[..., 2:4] * 2) ** 2, y[..., 4:]], -1).flatten(1, 3)


def dfl(x: Tensor, net: nn.Module) -> Tensor:
    y = net(x).flatten(2).reshape(1, 4, 8, 64).softmax(2)
    return (y * torch.arange(8).float().view(1, 1, 8, 1)).sum(2)


def subspectral() -> nn.Module:
    def run(x: Tensor, n: nn.Module) -> Tensor:
        c, h, w = x.shape[1:]
        return n(x.reshape(1, c * 4, h // 4, w)).reshape(1, c, h, w)

    return Net(run, nn.BatchNorm2d(32))


def bcresnet() -> Made:
    """Sub-spectral norm, and a mean over frequency that is added to all of it."""

    def run(x: Tensor, a: nn.Module, s: nn.Module, t: nn.Module, h: nn.Module) -> Tensor:
        y = s(a(x))
        return h(f.relu(y + t(y.mean(2, keepdim=True)) + y))

    temporal = nn.Sequential(nn.Conv2d(8, 8, (1, 3), padding=(0, 1), groups=8), nn.SiLU(),
                             nn.Conv2d(8, 8, 1))  # fmt: skip
    return Net(run, block(1, 8), subspectral(), temporal, head(8)), image(1)


def tcn(x: Tensor, *layers: nn.Module) -> Tensor:
    for i, layer in enumerate(layers[:-1]):
        x = f.relu(layer(f.pad(x, (2 * 2**i, 0)))) + x
    return layers[-1](x[:, :, -1])


def wavenet(x: Tensor, a: nn.Module, b: nn.Module, mix: nn.Module, h: nn.Module) -> Tensor:
    return h(mix(torch.tanh(a(x)) * torch.sigmoid(b(x))) + x)


def keypoints(x: Tensor, net: nn.Module) -> Tensor:
    p = net(x).flatten(2).softmax(-1).reshape(1, 4, 16, 16)
    at = torch.linspace(-1, 1, 16)
    return torch.cat([(p.sum(2) * at).sum(2), (p.sum(3) * at).sum(2)], 1)


def gru_step(x: Tensor, h: Tensor, c: nn.Module) -> Tensor:
    return c(x, h)


def unrolled(x: Tensor, cell: nn.LSTMCell, h: nn.Module) -> Tensor:
    state = torch.zeros(1, 12), torch.zeros(1, 12)
    for t in range(x.shape[1]):
        state = cell(x[:, t], state)
    return h(state[0])


def highway(x: Tensor, t: nn.Module, a: nn.Module) -> Tensor:
    g = torch.sigmoid(t(x))
    return g * f.relu(a(x)) + (1 - g) * x


def siamese(compare: Callable[[Tensor, Tensor], Tensor]) -> Made:
    embed = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 8))
    return Net(lambda a, b, e: compare(e(a), e(b)), embed), (*row(), *row())


def embedded(ids: Tensor, e: nn.Module, h: nn.Module) -> Tensor:
    return h(e(ids).mean(1))


def ids(n: int = 12, vocabulary: int = 50) -> tuple[Tensor, ...]:
    return (torch.randint(0, vocabulary, (1, n)),)


ACTIVATIONS = {
    "relu6": nn.ReLU6, "prelu": nn.PReLU, "silu": nn.SiLU, "mish": nn.Mish,
    "hardswish": nn.Hardswish, "softplus": nn.Softplus, "gelu": nn.GELU, "elu": nn.ELU,
    "selu": nn.SELU, "softsign": nn.Softsign, "logsigmoid": nn.LogSigmoid,
    "hardtanh": nn.Hardtanh, "leaky": nn.LeakyReLU, "tanhshrink": nn.Tanhshrink,
    "hardshrink": nn.Hardshrink, "softshrink": nn.Softshrink, "hardsigmoid": nn.Hardsigmoid,
}  # fmt: skip

NETS: dict[str, Callable[[], Made]] = {
    "resnet": lambda: (nn.Sequential(block(3, 8), residual(8), residual(8), head(8)), image()),
    "mobilenet_v1": lambda: (nn.Sequential(block(3, 8, stride=2), separable(8, 16),
                                           separable(16, 24, 2), head(24)), image()),
    "seblock_cnn": lambda: (nn.Sequential(block(3, 8), squeeze(8), head(8)), image()),
    "bn_first": lambda: (nn.Sequential(nn.BatchNorm2d(3), block(3, 8), head(8)), image()),
    **{f"act_{name}": lambda of=of: activated(of()) for name, of in ACTIVATIONS.items()},
    "act_gelu_tanh": lambda: activated(nn.GELU("tanh")),
    "act_celu": lambda: activated(nn.CELU(0.5)),
    "act_threshold": lambda: activated(nn.Threshold(0.1, 0.0)),
    "norm_group": lambda: (nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), head(8)), image()),
    "norm_instance": lambda: (nn.Sequential(nn.Conv2d(3, 8, 3), nn.InstanceNorm2d(8), head(8)),
                              image()),
    "norm_layer_mlp": lambda: mlp(nn.LayerNorm(24), nn.ReLU()),
    "norm_rms_torch": lambda: mlp(nn.RMSNorm(24), nn.ReLU()),
    "norm_rms_mlp": lambda: mlp(Net(lambda x: x * torch.rsqrt(x.pow(2).mean(-1, True) + 1e-5))),
    "norm_lrn": lambda: (nn.Sequential(nn.Conv2d(3, 8, 3), nn.LocalResponseNorm(3), head(8)),
                         image()),
    "glu_conv1d": lambda: (nn.Sequential(nn.Conv1d(8, 16, 3), nn.GLU(1), head1(8)), sequence()),
    "unet_small": unet,
    "yolov5_decode_head": lambda: (Net(yolo_decode, nn.Conv2d(8, 14, 1)), image(8, 4)),
    "yolov8_dfl": lambda: (Net(dfl, nn.Conv2d(8, 32, 1)), image(8, 8)),
    "ssdlite_heads": lambda: (Net(lambda x, a, b, c: (b(a(x)).flatten(1), c(a(x)).flatten(1)),
                                  block(3, 8), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 6, 1)), image()),
    "dw_multiplier2": lambda: (nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), head(6)), image()),
    "dilated_aspp": lambda: (Net(lambda x, a, b, h: h(torch.cat([a(x), b(x)], 1)),
                                 nn.Conv2d(3, 4, 3, padding=2, dilation=2),
                                 nn.Conv2d(3, 4, 3, padding=4, dilation=4), head(8)), image()),
    "grouped_conv": lambda: (nn.Sequential(block(3, 8), block(8, 8, groups=2), shuffle(2),
                                           block(8, 8, groups=2), head(8)), image()),
    "reflect_pad": lambda: (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect"),
                                          nn.ReLU(), head(8)), image()),
    "replicate_pad": lambda: (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="replicate"),
                                            nn.ReLU(), head(8)), image()),
    "circular_pad": lambda: (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="circular"),
                                           nn.ReLU(), head(8)), image()),
    "asym_pad": lambda: (nn.Sequential(nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(3, 8, 3), head(8)),
                         image()),
    "stride_gt_kernel": lambda: (nn.Sequential(nn.Conv2d(3, 8, 2, 3), nn.ReLU(), head(8)), image()),
    "upsample_bilinear_seg": lambda: (nn.Sequential(block(3, 8, stride=2), nn.Conv2d(8, 2, 1),
                                                    nn.Upsample(scale_factor=2, mode="bilinear")),
                                      image()),
    "pixelshuffle_sr": lambda: (nn.Sequential(block(1, 8), nn.Conv2d(8, 4, 3, padding=1),
                                              nn.PixelShuffle(2)), image(1, 8)),
    "siamese_cosine": lambda: siamese(lambda a, b: f.cosine_similarity(a, b).unsqueeze(1)),
    "siamese_absdiff": lambda: siamese(lambda a, b: (a - b).abs()),
    "embedding_l2norm": lambda: mlp(Net(lambda x: f.normalize(x, dim=1))),
    "anomaly_ae": lambda: mlp(nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU()),
    "anomaly_ae_score": lambda: (Net(lambda x, a, b: ((b(f.relu(a(x))) - x) ** 2).mean(1, True),
                                     nn.Linear(16, 6), nn.Linear(6, 16)), row()),
    "conv_ae_temporal": lambda: (nn.Sequential(nn.Conv1d(8, 4, 4, 2, 1), nn.ReLU(),
                                               nn.ConvTranspose1d(4, 8, 4, 2, 1)), sequence()),
    "vae_reparam_mean": lambda: (Net(lambda x, m, s: m(x) + torch.exp(0.5 * s(x)),
                                     nn.Linear(16, 6), nn.Linear(16, 6)), row()),
    "argmax_head": lambda: (nn.Sequential(nn.Linear(16, 5), Net(lambda x: x.argmax(1))), row()),
    "topk_head": lambda: (nn.Sequential(nn.Linear(16, 5), Net(lambda x: x.topk(2)[0])), row()),
    "spatial_softmax_keypoints": lambda: (Net(keypoints, nn.Conv2d(3, 4, 1)), image()),
    "coordconv": lambda: (Net(lambda x, c, h: h(c(torch.cat(
        [x, torch.linspace(-1, 1, 16).view(1, 1, 1, 16).expand(1, 1, 16, 16)], 1))),
        block(4, 8), head(8)), image()),
    "early_exit_2out": lambda: (Net(lambda x, a, h, b, i: (h(a(x)), i(b(a(x)))), block(3, 8),
                                    head(8), block(8, 8), head(8)), image()),
    "maxout_net": lambda: (Net(lambda x, a, b, h: h(torch.maximum(a(x), b(x))),
                               nn.Linear(16, 24), nn.Linear(16, 24), nn.Linear(24, 5)), row()),
    "c3d": lambda: (nn.Sequential(nn.Conv3d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1),
                                  nn.Flatten(), nn.Linear(4, 5)), (torch.randn(1, 3, 6, 8, 8),)),
    "deep_sets": lambda: (Net(lambda x, a, h: h(f.relu(a(x)).sum(1)), nn.Linear(16, 24),
                              nn.Linear(24, 5)), tokens()),
    "pointnet_mini": lambda: (nn.Sequential(block1(8, 16, 1), nn.AdaptiveMaxPool1d(1), nn.Flatten(),
                                            nn.Linear(16, 5)), sequence()),
    "gcn_fixed_adj": lambda: (Net(lambda x, a, h: h(f.relu(a(torch.eye(12).roll(1, 0) @ x)).mean(
        1)),
                                  nn.Linear(16, 8), nn.Linear(8, 5)), tokens()),
    "bilinear_outer_fm": lambda: (Net(lambda x, a, h: h(a(x) ** 2 - a(x ** 2)), nn.Linear(16, 8),
                                      nn.Linear(8, 1)), row()),
    "dscnn_kws": lambda: (nn.Sequential(block(1, 8), separable(8, 8), separable(8, 8), head(8)),
                          image(1)),
    "tcresnet8": lambda: (nn.Sequential(block1(8, 16), block1(16, 16, 9), head1(16)), sequence()),
    "bcresnet_like": bcresnet,
    "matchbox": lambda: (nn.Sequential(block1(8, 8, 5, groups=8), block1(8, 16, 1), head1(16)),
                         sequence()),
    "tcn_causal_dilated": lambda: (Net(tcn, nn.Conv1d(8, 8, 3), nn.Conv1d(8, 8, 3, dilation=2),
                                       nn.Linear(8, 5)), sequence()),
    "tcn_weightnorm": lambda: (nn.Sequential(nn.utils.parametrizations.weight_norm(
        nn.Conv1d(8, 8, 3)), nn.ReLU(), head1(8)), sequence()),
    "wavenet_like": lambda: (Net(wavenet, nn.Conv1d(8, 8, 3, padding=1),
                                 nn.Conv1d(8, 8, 3, padding=1), nn.Conv1d(8, 8, 1), head1(8)),
                             sequence()),
    "lstm_classifier": lambda: last(nn.LSTM(8, 12, batch_first=True), 12),
    "gru_classifier": lambda: last(nn.GRU(8, 12, batch_first=True), 12),
    "bilstm_classifier": lambda: last(nn.LSTM(8, 12, batch_first=True, bidirectional=True), 24),
    "lstm_2layer": lambda: last(nn.LSTM(8, 12, 2, batch_first=True), 12),
    "rnn_tanh": lambda: last(nn.RNN(8, 12, batch_first=True), 12),
    "lstm_unrolled_by_hand": lambda: (Net(unrolled, nn.LSTMCell(8, 12), nn.Linear(12, 5)),
                                      (torch.randn(1, 6, 8),)),
    "gru_cell_step": lambda: (Net(gru_step, nn.GRUCell(8, 12)),
                              (torch.randn(1, 8), torch.randn(1, 12))),
    "highway": lambda: (nn.Sequential(Net(highway, nn.Linear(16, 16), nn.Linear(16, 16)),
                                      nn.Linear(16, 5)), row()),
    "crnn_conv_gru": lambda: (Net(lambda x, c, g, h: h(g(c(x).mean(2).transpose(1, 2))[0][:, -1]),
                                  block(1, 8), nn.GRU(8, 12, batch_first=True), nn.Linear(12, 5)),
                              image(1)),
    "svdf_like": lambda: (nn.Sequential(nn.Conv1d(8, 12, 1), nn.Conv1d(12, 12, 8, groups=12),
                                        nn.ReLU(), head1(12)), sequence()),
    "kwt_tiny": lambda: (Net(lambda x, p, e, h: h(e(p(x)).mean(1)), nn.Linear(16, 16),
                             nn.TransformerEncoderLayer(16, 1, 32, batch_first=True,
                                                        activation="gelu"), nn.Linear(16, 5)),
                         tokens(20)),
    "transformer_encoder": encoder,
    "transformer_prenorm": lambda: encoder(norm_first=True),
    "transformer_gelu": lambda: encoder(activation="gelu"),
    "mha_by_hand": lambda: (Net(attention, *linear3()), tokens()),
    "mha_module": lambda: (Net(lambda x, a: a(x, x, x)[0], nn.MultiheadAttention(
        16, 4, batch_first=True)), tokens()),
    "causal_attention": lambda: (Net(causal, nn.Linear(16, 16), nn.Linear(16, 16)), tokens()),
    "causal_sdpa": lambda: (Net(lambda x, q: f.scaled_dot_product_attention(
        q(x), x, x, is_causal=True), nn.Linear(16, 16)), tokens()),
    "linear_attention": lambda: (Net(lambda x, q, k, v: f.elu(q(x)) @ (
        f.elu(k(x)).transpose(1, 2) @ v(x)), *linear3()), tokens()),
    "einsum_attention": lambda: (Net(lambda x, q: torch.einsum("bij,bjd->bid", torch.einsum(
        "bid,bjd->bij", q(x), x).softmax(-1), x), nn.Linear(16, 16)), tokens()),
    "temporal_attention_pool": lambda: (Net(lambda x, a, h: h((a(x).softmax(1) * x).sum(1)),
                                            nn.Linear(16, 1), nn.Linear(16, 5)), tokens()),
    "vit_tiny": vit,
    "swin_like": swin,
    "convnext_like": lambda: (nn.Sequential(nn.Conv2d(3, 8, 2, 2), convnext(), head(8)), image()),
    "token_embedding_text": lambda: (Net(embedded, nn.Embedding(50, 8), nn.Linear(8, 5)), ids()),
    "textcnn": lambda: (Net(lambda i, e, c, h: h(c(e(i).transpose(1, 2))), nn.Embedding(50, 8),
                            nn.Conv1d(8, 12, 3), head1(12)), ids()),
    "rec_mlp_embeddings": lambda: (Net(lambda i, x, e, h: h(torch.cat([e(i)[:, 0], x], 1)),
                                       nn.Embedding(50, 8), nn.Linear(24, 1)), (*ids(1), *row())),
    "sincos_positional": lambda: (Net(lambda x, p: p(x + torch.sin(torch.arange(
        16) * torch.arange(12).view(12, 1) / 9)), nn.Linear(16, 5)), tokens()),
    "fourier_features_mlp": lambda: (Net(lambda x, a, h: h(torch.cat(
        [torch.sin(a(x)), torch.cos(a(x))], 1)), nn.Linear(16, 8), nn.Linear(16, 5)), row()),
    "siren_sine_act": lambda: mlp(Net(torch.sin), nn.Linear(24, 24), Net(torch.sin)),
    "ecg_resnet1d": lambda: (nn.Sequential(block1(8, 16, 7), nn.MaxPool1d(2), block1(16, 16, 5),
                                           head1(16)), sequence()),
    "har_cnn": lambda: (nn.Sequential(block1(8, 16, 5), nn.MaxPool1d(2), nn.Flatten(),
                                      nn.Linear(256, 5)), sequence()),
    "inceptiontime": lambda: (Net(lambda x, a, b, c, h: h(torch.cat(
        [a(x), b(x), c(f.max_pool1d(x, 3, 1, 1))], 1)), block1(8, 4, 9), block1(8, 4, 5),
        block1(8, 4, 1), head1(12)), sequence()),
    "eegnet": lambda: (nn.Sequential(nn.Conv2d(1, 4, (1, 7), padding=(0, 3)),
                                     nn.Conv2d(4, 8, (16, 1), groups=4), nn.ELU(),
                                     nn.AvgPool2d((1, 4)), nn.Flatten(), nn.Linear(32, 5)),
                       image(1)),
    "raw_audio_m5": lambda: (nn.Sequential(nn.Conv1d(1, 8, 16, 4), nn.BatchNorm1d(8), nn.ReLU(),
                                           nn.MaxPool1d(2), head1(8), nn.LogSoftmax(1)),
                             sequence(1, 256)),
    "dcase_statistics_pool": lambda: (Net(lambda x, c, h: h(torch.cat(
        [c(x).mean(2), c(x).std(2)], 1)), block1(8, 12), nn.Linear(24, 5)), sequence()),
    "logmel_frontend": lambda: (Net(lambda x, c, h: h(torch.log(c(x) ** 2 + 1e-3)),
                                    nn.Conv1d(1, 8, 16, 8, bias=False), head1(8)),
                                sequence(1, 256)),
    "multi_input_fusion": lambda: (Net(lambda x, v, c, h: h(torch.cat(
        [c(x).mean((2, 3)), v], 1)), block(3, 8), nn.Linear(24, 5)), (*image(), *row())),
    "dqn_policy": lambda: (nn.Sequential(nn.Conv2d(3, 8, 4, 2), nn.ReLU(), nn.Flatten(),
                                         nn.Linear(392, 5)), image()),
    "gaussian_policy": lambda: (Net(lambda x, a, m, s: (torch.tanh(m(a(x))), torch.exp(
        s(a(x)).clamp(-5, 2))), nn.Linear(16, 24), nn.Linear(24, 3), nn.Linear(24, 3)), row()),
}  # fmt: skip
