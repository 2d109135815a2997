"""A once-for-all supernet: one set of weights, of which every network of a space is a part.

This module imports torch; `naas_hw.nas.accuracy.training` is the way in that says so.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from naas_hw.nas.accuracy.images import LabelledImages
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import TrainableSpace

EVALUATION_BATCH: Final = 512
NUM_KEPT: Final = 32


def shared_part(whole: Tensor, shape: torch.Size) -> Tensor:
    """The part of a parameter that a smaller network uses: a view.

    Leading channels on the first two axes; the middle of a kernel on the others.
    """
    part = whole
    for axis, size in enumerate(shape):
        start = (whole.shape[axis] - size) // 2 if axis >= 2 else 0
        part = part.narrow(axis, start, size)
    return part


def resized(images: Tensor, resolution: int) -> Tensor:
    """Images [N, channels, rows, rows] at another resolution, without aliases."""
    if images.shape[-1] == resolution:
        return images
    size = (resolution, resolution)
    return functional.interpolate(images, size, mode="bilinear", antialias=True)


class Supernet:
    """The largest network of a space, whose weights all others share.

    Parameters
    ----------
    whole : the largest network; its parameters are what is trained.
    """

    def __init__(self, space: TrainableSpace, *, seed: int) -> None:
        self.space = space
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.whole = space.module(space.largest)
        # the largest and the smallest are in every batch, and building takes a while
        self._stateless = lru_cache(NUM_KEPT)(self._build_stateless)

    def logits(self, images: Tensor, encoding: Encodings) -> Tensor:
        """[N, classes], differentiable in the shared weights; batch norm by this batch alone.

        The images are brought to the network's own resolution.
        """
        network = self._stateless(encoding.tobytes())
        whole = dict(self.whole.named_parameters())
        parameters = {
            name: shared_part(whole[name], part.shape) for name, part in network.named_parameters()
        }
        small = resized(images, self.space.resolution(encoding))
        logits: Tensor = functional_call(network, parameters, (small,))
        return logits

    def subnet(self, encoding: Encodings) -> nn.Module:
        """A network of its own with a copy of its share of the weights and statistics."""
        network = self._skeleton(encoding).to_empty(device="cpu")
        whole = self.whole.state_dict()
        shares = {
            name: shared_part(whole[name], part.shape).clone()
            for name, part in network.state_dict().items()
        }
        network.load_state_dict(shares)
        return network

    def _skeleton(self, encoding: Encodings) -> nn.Module:
        """The network without storage."""
        with torch.device("meta"):
            return self.space.module(encoding)

    def _build_stateless(self, encoding: bytes) -> nn.Module:
        """The network without storage and without statistics of batch norms."""
        network = self._skeleton(np.frombuffer(encoding, dtype=np.uint8))
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.track_running_stats = False
                part.running_mean = part.running_var = part.num_batches_tracked = None
        return network


def batches(num_images: int, size: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """Indices of shuffled batches.

    A last batch of one image is left out, because batch norm cannot process it.
    """
    order = torch.from_numpy(rng.permutation(num_images))
    for start in range(0, num_images, size):
        chosen = order[start : start + size]
        if len(chosen) > 1:
            yield chosen


@torch.no_grad()
def recalibrate(network: nn.Module, images: Tensor) -> None:
    """Set the statistics of every batch norm to those over the images, all batches alike."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            part.momentum = None  # the mean over the batches
    network.train()
    for batch in torch.split(images, EVALUATION_BATCH):
        network(batch)
    network.eval()


@torch.no_grad()
def accuracy_percent(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Top-1 accuracy of a network in evaluation mode."""
    network.eval()
    right = 0
    for start in range(0, len(labels), EVALUATION_BATCH):
        batch = slice(start, start + EVALUATION_BATCH)
        right += int((network(images[batch]).argmax(1) == labels[batch]).sum())
    return 100 * right / len(labels)


def as_tensors(data: LabelledImages) -> tuple[Tensor, Tensor]:
    """Images and labels."""
    return torch.from_numpy(data.images), torch.from_numpy(data.labels)
