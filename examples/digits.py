"""A once-for-all supernet on scikit-learn's digits: trained, judged, and a predictor fitted to it.

    python examples/digits.py

Minutes on one core; needs `pip install 'naas_hw[torch,digits]'`. Says how well networks with
shared weights are ordered, against the same networks trained alone.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
import torch
from rich.console import Console

from naas_hw.accuracy.images import ImageSplit, load_digits, split_images
from naas_hw.accuracy.predictor import PredictedAccuracy, fit_predictor
from naas_hw.accuracy.shared import SharedWeightsAccuracy
from naas_hw.accuracy.training import (
    RankReport,
    TrainingSettings,
    compare_with_alone,
    train_supernet,
)
from naas_hw.spaces.builtin import load_builtin_space
from naas_hw.spaces.space import TrainableSpace


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a run found."""

    space: TrainableSpace
    oracle: SharedWeightsAccuracy
    predictor: PredictedAccuracy
    ranking: RankReport


def study(
    *,
    num_epochs: int,
    num_epochs_alone: int,
    num_alone: int,
    num_measured: int,
    seed: int,
    console: Console,
    data: ImageSplit | None = None,
) -> Study:
    """Train a supernet, measure networks of it, fit a predictor, train some networks alone."""
    rng = np.random.default_rng(seed)
    space = load_builtin_space("digits")
    data = data or split_images(load_digits(), rng, held_out=0.5)
    say = _speaker(console)
    settings = TrainingSettings(num_epochs=num_epochs, seed=seed)
    supernet = train_supernet(space, data.train, settings)
    say(f"supernet: {num_epochs} epochs of {len(data.train)} images")

    oracle = SharedWeightsAccuracy(supernet=supernet, data=data)
    encodings = space.sample(rng, num_measured)
    measured = oracle.accuracies(encodings)
    low, high = measured.top1_percent.min(), measured.top1_percent.max()
    say(f"{num_measured} networks: {low:.1f} to {high:.1f} %, {oracle.worth.label}")

    predictor = fit_predictor(space, encodings, measured, rng)
    say(f"predictor: {predictor.worth.label}")

    chosen = np.concatenate([np.stack([space.largest, space.smallest]), encodings])[:num_alone]
    alone = TrainingSettings(num_epochs=num_epochs_alone, seed=seed)
    ranking = compare_with_alone(space, oracle, chosen, data, alone)
    say(ranking.text)
    return Study(space=space, oracle=oracle, predictor=predictor, ranking=ranking)


def _speaker(console: Console):
    started = time.process_time()
    return lambda text: console.print(f"{time.process_time() - started:5.0f} s CPU  {text}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60, help="of the supernet")
    parser.add_argument("--alone", type=int, default=16, help="networks to train alone")
    parser.add_argument("--measured", type=int, default=120, help="networks to measure")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the networks are too small for more
    study(
        num_epochs=arguments.epochs,
        num_epochs_alone=20,
        num_alone=arguments.alone,
        num_measured=arguments.measured,
        seed=arguments.seed,
        console=Console(),
    )


if __name__ == "__main__":
    main()
