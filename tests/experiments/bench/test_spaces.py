"""The bench of look-ups: what it counts; how fast is for it to say."""

import json

from naas_hw.cli import main
from naas_hw.experiments.bench.spaces import bench_spaces
from naas_hw.nas.spaces.builtin import load_builtin_space


def test_it_measures_what_it_says():
    """A rate is encodings by seconds."""
    space = load_builtin_space("digits")
    (rate,) = bench_spaces([space], num_encodings=5000)
    assert (rate.space, rate.num_layers) == ("digits", len(space.layers))
    assert rate.num_encodings == 5000
    assert rate.encodings_per_second == 5000 / rate.cpu_seconds


def test_the_command_says_the_same_in_words_and_as_json(capsys):
    """Both name the space and its distinct layers; a space that is not there is bad input."""
    num_layers = len(load_builtin_space("digits").layers)
    assert main(["bench", "spaces", "digits", "--encodings", "100", "--json"]) == 0
    (figures,) = json.loads(capsys.readouterr().out)
    assert (figures["space"], figures["num_layers"]) == ("digits", num_layers)
    assert figures["encodings_per_cpu_second"] == 100 / figures["cpu_seconds"]
    assert main(["bench", "spaces", "digits", "--encodings", "100"]) == 0
    assert f"second of CPU into {num_layers} distinct layers" in capsys.readouterr().out
    assert main(["bench", "spaces", "nowhere"]) == 2
