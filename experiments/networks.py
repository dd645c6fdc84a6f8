"""ResNet-18 for small images, and ResNet-50."""

import torch
from torch import Tensor, nn

import zero_array.torch


class Block(nn.Module):
    """Convolutions beside a shortcut, which is projected where the shape changes."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        if width == outputs:
            convs = [conv(inputs, width, 3, stride), conv(width, outputs, 3)]
        else:
            convs = [conv(inputs, width, 1), conv(width, width, 3, stride), conv(width, outputs, 1)]
        self.branch = nn.Sequential(*convs[:-1], convs[-1][:-1])  # the last ReLU comes after the sum
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else conv(inputs, outputs, 1, stride)[:-1]

    def forward(self, image: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        return torch.relu(self.branch(image) + self.shortcut(image))


def conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """A convolution, normalised, with a ReLU."""
    layers = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    return nn.Sequential(*layers)


def network(name: str, classes: int, start: str) -> nn.Module:
    """ResNet-18 for small images, with a stem of 3 x 3, or ResNet-50; started by ZerO or by Kaiming."""
    small = name == "resnet18"
    depths, grown = ((2, 2, 2, 2), 1) if small else ((3, 4, 6, 3), 4)
    layers: list[nn.Module] = [conv(3, 64, 3)] if small else [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, depth in enumerate(depths):
        width = 64 * 2**stage
        for number in range(depth):
            layers.append(Block(inputs, width, width * grown, 2 if stage and not number else 1))
            inputs = width * grown
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if start == "zero":
        zero_array.torch.init_(model, "resnet")
    return model
