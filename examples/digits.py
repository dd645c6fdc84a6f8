"""Two networks on scikit-learn's digits, started by `zero_array.torch.init_`: an MLP, and a small ResNet.

Each is trained twice on one thread. Nothing is random but the order of the images, which is seeded: both runs end in
the same bits. Takes less than a minute.
"""

from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

import zero_array.torch


class Block(nn.Module):
    """Two convolutions beside a shortcut, which is projected where the width changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """Add the branch to the shortcut."""
        return torch.relu(self.branch(image) + self.shortcut(image))


def mlp() -> nn.Module:
    """64 pixels, two hidden layers, ten classes."""
    widths = (64, 256, 256, 10)
    layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *layers[:-1])


def resnet() -> nn.Module:
    """A stem, four blocks, ten classes."""
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1), Block(32, 64, 2)]
    stem = (nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def train(network: Callable[[], nn.Module], epochs: int = 40) -> tuple[float, str]:
    """The accuracy on images not trained on, and the digest of the trained weights."""
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    train_x, test_x, train_y, test_y = train_test_split(images, torch.tensor(labels), test_size=0.25, random_state=0)
    model = network()
    zero_array.torch.init_(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    order = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for batch in torch.randperm(len(train_x), generator=order).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(train_x[batch]), train_y[batch]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(test_x).argmax(1) == test_y).double().mean().item()
    return accuracy, sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())).hexdigest()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for network in (mlp, resnet):
        (accuracy, first), (_, second) = train(network), train(network)
        print(f"{network.__name__:6}  accuracy {accuracy:.1%}  two runs equal: {first == second}")
        assert accuracy > 0.97
        assert first == second
