"""Bias correction moves the means of channels to those of the float model."""

import numpy as np
from float_networks import NetworkBuilder, images

from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.quantise.bias_correction import bias_corrected
from naas_hw.graph.quantise.quantisation import quantise_measured
from naas_hw.graph.quantise.settings import QuantiseSettings

SHAPE = (1, 3, 6, 6)


def test_means_of_channels_agree_afterwards() -> None:
    build = NetworkBuilder()
    y = build.conv(build.relu(build.conv(build.image(*SHAPE), 8)), 4)
    data = images(SHAPE)
    settings = QuantiseSettings(equalise=False, correct_bias=False)
    plain = quantise_measured(build.graph(y), data, settings)
    corrected = bias_corrected(plain.real, plain.graph, data)

    def mean(graph, name: str):
        return np.mean([run_floats(graph, x)[name].mean(axis=(0, 2, 3)) for x in data], axis=0)

    wanted = mean(plain.real, y)
    far = [np.abs(mean(graph, f"{y}/float") - wanted).max() for graph in (plain.graph, corrected)]
    assert far[1] < far[0] / 20
