"""The bench of look-ups: what it counts; how fast is for it to say."""

from naas_hw.spaces.bench import bench_spaces
from naas_hw.spaces.builtin import load_builtin_space


def test_it_measures_what_it_says():
    """A rate is encodings by seconds."""
    space = load_builtin_space("digits")
    (rate,) = bench_spaces([space], num_encodings=5000)
    assert (rate.space, rate.num_layers) == ("digits", len(space.layers))
    assert rate.num_encodings == 5000
    assert rate.encodings_per_second == 5000 / rate.cpu_seconds
