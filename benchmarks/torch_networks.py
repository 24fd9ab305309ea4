"""The same networks in PyTorch, written apart from ours, for `benchmarks.train_step` alone.

Needs `pip install torch`; nothing of a run does.
"""

import torch
from torch import nn
from torch.nn import functional


class ConvNorm(nn.Sequential):
    """Convolution, BatchNorm and an activation, padded to keep or to halve the side."""

    def __init__(self, inside, outside, side, *, stride=1, dilation=1, groups=1, act=None):
        padding = dilation * (side // 2)
        conv = nn.Conv2d(
            inside, outside, side, stride, padding, dilation, groups=groups, bias=False
        )
        layers = [conv, nn.BatchNorm2d(outside)]
        super().__init__(*layers, *([act] if act else []))


def _relu():
    return nn.ReLU(inplace=True)


class Residual(nn.Module):
    """DRN's block: two 3x3 convolutions, or a bottleneck of 1x1, 3x3 and 1x1."""

    def __init__(self, inside, planes, *, bottleneck, stride, dilation):
        super().__init__()
        outside = 4 * planes if bottleneck else planes
        spatial = {"stride": stride, "dilation": dilation}
        if bottleneck:
            self.body = nn.Sequential(
                ConvNorm(inside, planes, 1, act=_relu()),
                ConvNorm(planes, planes, 3, act=_relu(), **spatial),
                ConvNorm(planes, outside, 1),
            )
        else:
            self.body = nn.Sequential(
                ConvNorm(inside, planes, 3, act=_relu(), **spatial),
                ConvNorm(planes, planes, 3, dilation=dilation),
            )
        same = stride == 1 and inside == outside
        self.shortcut = nn.Identity() if same else ConvNorm(inside, outside, 1, stride=stride)

    def forward(self, x):
        """Adds the shortcut."""
        return functional.relu(self.body(x) + self.shortcut(x), inplace=True)


class Drn(nn.Module):
    """DRN-D with the two-class head and bilinear upsampling: photos -> probability [B,1,H,W]."""

    def __init__(self, *, bottleneck, repeats):
        super().__init__()
        layers = [
            ConvNorm(3, 16, 7, act=_relu()),
            ConvNorm(16, 16, 3, act=_relu()),
            ConvNorm(16, 32, 3, stride=2, act=_relu()),
        ]
        inside = 32
        stages = zip((64, 128, 256, 512), repeats, (2, 2, 1, 1), (1, 1, 2, 4), strict=True)
        for planes, count, stride, dilation in stages:
            for number in range(count):
                strides = stride if number == 0 else 1
                layers.append(
                    Residual(
                        inside, planes, bottleneck=bottleneck, stride=strides, dilation=dilation
                    )
                )
                inside = 4 * planes if bottleneck else planes
        layers += [ConvNorm(inside, 512, 3, dilation=2, act=_relu())]
        layers += [ConvNorm(512, 512, 3, act=_relu()), nn.Conv2d(512, 2, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, photos):
        """Returns the probability of the second class."""
        logits = self.layers((photos - 74.0) / 47.0)
        logits = functional.interpolate(
            logits, photos.shape[-2:], mode="bilinear", align_corners=False
        )
        return logits.softmax(dim=1)[:, 1:]


class Inverted(nn.Module):
    """EfficientNet-Lite's block: expand, depthwise, project."""

    def __init__(self, inside, outside, side, *, stride, expansion, dilation):
        super().__init__()
        wide = inside * expansion
        layers = [ConvNorm(inside, wide, 1, act=nn.ReLU6(True))] if expansion > 1 else []
        spatial = {"stride": stride, "dilation": dilation, "groups": wide}
        layers += [ConvNorm(wide, wide, side, act=nn.ReLU6(True), **spatial)]
        self.body = nn.Sequential(*layers, ConvNorm(wide, outside, 1))
        self.adds = stride == 1 and inside == outside

    def forward(self, x):
        """Adds the shortcut where shapes allow."""
        return x + self.body(x) if self.adds else self.body(x)


class Lite0(nn.Module):
    """EfficientNet-Lite0 at stride 16 joined with its stride-8 features in 64 channels."""

    def __init__(self):
        super().__init__()
        fine = [ConvNorm(3, 32, 3, stride=2, act=nn.ReLU6(True))]
        inside = 32

        def stage(layers, outside, count, side, stride, expansion, dilations=(1, 1)):
            nonlocal inside
            for number in range(count):
                layers.append(
                    Inverted(
                        inside,
                        outside,
                        side,
                        stride=stride if number == 0 else 1,
                        expansion=expansion,
                        dilation=dilations[0 if number == 0 else 1],
                    )
                )
                inside = outside

        stage(fine, 16, 1, 3, 1, 1)
        stage(fine, 24, 2, 3, 2, 6)
        stage(fine, 40, 2, 5, 2, 6)
        coarse = []
        stage(coarse, 80, 3, 3, 2, 6)
        stage(coarse, 112, 3, 5, 1, 6)
        stage(coarse, 192, 4, 5, 1, 6, (1, 2))
        stage(coarse, 320, 1, 3, 1, 6, (2, 2))
        self.fine, self.coarse = nn.Sequential(*fine), nn.Sequential(*coarse)
        self.from_coarse, self.from_fine = ConvNorm(320, 64, 1), ConvNorm(40, 64, 1)
        self.join = nn.Sequential(ConvNorm(64, 64, 3, act=_relu()), nn.Conv2d(64, 1, 1))

    def forward(self, photos):
        """Returns the probability, at the photos' size."""
        fine = self.fine((photos - 127.0) / 128.0)
        coarse = self.from_coarse(self.coarse(fine))
        coarse = functional.interpolate(
            coarse, fine.shape[-2:], mode="bilinear", align_corners=False
        )
        logit = self.join(functional.relu(coarse + self.from_fine(fine)))
        logit = functional.interpolate(
            logit, photos.shape[-2:], mode="bilinear", align_corners=False
        )
        return torch.sigmoid(logit)


NETWORKS = {
    "drn_d_22": lambda: Drn(bottleneck=False, repeats=(2, 2, 2, 2)),
    "drn_d_38": lambda: Drn(bottleneck=False, repeats=(3, 4, 6, 3)),
    "drn_d_54": lambda: Drn(bottleneck=True, repeats=(3, 4, 6, 3)),
    "drn_d_105": lambda: Drn(bottleneck=True, repeats=(3, 4, 23, 3)),
    "efficientnet_lite0": Lite0,
}


def f_beta_loss(probability, labels, beta_squared=1.0, threshold=0.5):
    """Image-level F-beta loss with the confident-pixel rule, mean over the batch."""
    target = (labels > threshold).to(probability.dtype)
    surer = torch.where(target > 0, probability > labels, probability < labels)
    prediction = torch.where(surer, target, probability)
    hits = (prediction * target).sum((1, 2, 3))
    precision = hits / (prediction.sum((1, 2, 3)) + 1e-5)
    recall = hits / (target.sum((1, 2, 3)) + 1e-5)
    f = (1 + beta_squared) * precision * recall / (beta_squared * precision + recall + 1e-5)
    return (1 - f).mean()
