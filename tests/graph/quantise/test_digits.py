"""A small network trained on scikit-learn's digits keeps its accuracy in integers."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from naas_hw.graph.importers.torch_program import read_torch_module
from naas_hw.graph.quantise.accuracy import accuracy, float_runner, integer_runner
from naas_hw.graph.quantise.data import CalibrationData
from naas_hw.graph.quantise.quantisation import quantise

NUM_TRAINED = 1400
NUM_TESTED = 200
EPOCHS = 12


def trained(images, labels):
    """A convolutional network with batch norm, depthwise and pointwise layers."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU6(),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.Hardswish(),
        nn.Conv2d(16, 32, 1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )
    optimiser = torch.optim.Adam(module.parameters(), 0.01)
    inputs, targets = torch.tensor(images), torch.tensor(labels)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(inputs)).split(100):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(inputs[batch]), targets[batch]).backward()
            optimiser.step()
    return module.eval()


@contextmanager
def on_one_core() -> Iterator[None]:
    """Torch's threads wait for each other longer than they work on so small a network."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.takes_seconds
@pytest.mark.needs("torch")
def test_the_accuracy_stays_within_two_per_cent() -> None:
    load_digits = pytest.importorskip("sklearn.datasets").load_digits

    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    with on_one_core():
        module = trained(images[:NUM_TRAINED], digits.target[:NUM_TRAINED])
    graph = read_torch_module(module, input_shapes={"x": (1, 1, 8, 8)})
    values = [{graph.inputs[0]: image[None]} for image in images]
    tested = slice(NUM_TRAINED, NUM_TRAINED + NUM_TESTED)
    data = CalibrationData(images=values[tested], labels=digits.target[tested])
    before = accuracy(float_runner(graph), data)
    after = accuracy(integer_runner(quantise(graph, values[:32])), data)
    assert before > 0.9 and after >= before - 0.02
