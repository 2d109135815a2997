"""The loops that `naas_hw.nas.accuracy.training` calls; imports torch."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from naas_hw.nas.accuracy.images import ImageSplit, LabelledImages
from naas_hw.nas.accuracy.supernet import (
    Supernet,
    accuracy_percent,
    as_tensors,
    batches,
    recalibrate,
    resized,
)
from naas_hw.nas.accuracy.training_settings import TrainingSettings
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import TrainableSpace

AddGradients = Callable[[Tensor, Tensor], None]


def fit_shared(
    space: TrainableSpace, images: LabelledImages, settings: TrainingSettings
) -> Supernet:
    """See `training.train_supernet`."""
    supernet = Supernet(space, seed=settings.seed)
    rng = np.random.default_rng([settings.seed, 1])

    def add_gradients(batch: Tensor, labels: Tensor) -> None:
        drawn = space.sample(rng, max(settings.num_random, 1))
        extremes = space.at_resolution_of(np.stack([space.largest, space.smallest]), drawn[0])
        others = space.at_resolution_of(drawn[: settings.num_random], drawn[0])
        logits = supernet.logits(batch, extremes[0])
        functional.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
        teacher = (logits.detach().softmax(1) + functional.one_hot(labels, logits.shape[1])) / 2
        for encoding in [extremes[1], *others]:
            loss = functional.cross_entropy(supernet.logits(batch, encoding), teacher)
            loss.backward()  # type: ignore[no-untyped-call]

    _descend(supernet.whole.parameters(), images, settings, add_gradients)
    return supernet


def fit_alone(
    space: TrainableSpace, encoding: Encodings, data: ImageSplit, settings: TrainingSettings
) -> float:
    """Accuracy in percent of a network trained from scratch, on the images held out."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(settings.seed)
        network = space.module(encoding)
    size = space.resolution(encoding)

    def add_gradients(batch: Tensor, labels: Tensor) -> None:
        loss = functional.cross_entropy(network(batch), labels)
        loss.backward()  # type: ignore[no-untyped-call]

    train = LabelledImages(images=_resized(data.train, size), labels=data.train.labels)
    network.train()
    _descend(network.parameters(), train, settings, add_gradients)
    return held_out_accuracy(network, data, size)


def held_out_accuracy(network: nn.Module, data: ImageSplit, resolution: int) -> float:
    """Recalibrate on the training images, and measure on those held out."""
    recalibrate(network, resized(as_tensors(data.train)[0], resolution))
    images, labels = as_tensors(data.held_out)
    return accuracy_percent(network, resized(images, resolution), labels)


def _resized(images: LabelledImages, size: int) -> NDArray[np.float32]:
    made: NDArray[np.float32] = resized(as_tensors(images)[0], size).numpy()
    return made


def _descend(
    parameters: Iterable[nn.Parameter],
    images: LabelledImages,
    settings: TrainingSettings,
    add_gradients: AddGradients,
) -> None:
    """One step a batch along the gradients that `add_gradients` adds."""
    inputs, labels = as_tensors(images)
    rng = np.random.default_rng([settings.seed, 2])
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings.learning_rate,
        epochs=settings.num_epochs,
        steps_per_epoch=-(-len(images) // settings.batch_size),
    )
    for _ in range(settings.num_epochs):
        for chosen in batches(len(images), settings.batch_size, rng):
            optimiser.zero_grad()
            add_gradients(inputs[chosen], labels[chosen])
            optimiser.step()
            schedule.step()
