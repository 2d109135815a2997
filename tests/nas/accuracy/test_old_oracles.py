"""Oracles of the last minor release work, with one line of warning."""

import numpy as np
import pytest

from naas_hw.core.deprecation import RenamedWarning
from naas_hw.nas.accuracy import oracle as oracle_module
from naas_hw.nas.accuracy.old_oracles import current_oracle
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracyOracle, AccuracySource, Evidence

SOURCE = AccuracySource(evidence=Evidence.MEASURED, basis="3 images")
ENCODINGS = np.zeros((2, 1), np.uint8)


class OldConstant:
    """60 % for every network, with the old names."""

    worth = SOURCE

    def covers(self, encodings):
        return np.ones(len(encodings), np.bool_)

    def accuracies(self, encodings):
        values = np.full(len(encodings), 60.0)
        return Accuracies(top1_percent=values, worth=self.worth)  # type: ignore[call-arg]


def test_an_old_oracle_gives_its_accuracies_under_the_current_names():
    with pytest.warns(RenamedWarning, match=r"OldConstant\.worth is deprecated .*; use source"):
        oracle = current_oracle(OldConstant())
    assert isinstance(oracle, AccuracyOracle)
    assert oracle.source == SOURCE
    assert oracle.covers(ENCODINGS).all()
    with pytest.warns(RenamedWarning, match=r"Accuracies\(worth=\) is deprecated"):
        accuracies = oracle.accuracies(ENCODINGS)
    assert accuracies.source == SOURCE
    with pytest.warns(RenamedWarning, match=r"Accuracies\.worth is deprecated"):
        assert accuracies.worth == SOURCE


def test_what_gives_no_accuracies_is_no_oracle():
    assert current_oracle(SOURCE) is None


def test_the_old_name_of_the_source_still_imports():
    with pytest.warns(RenamedWarning, match="Worth is deprecated"):
        assert oracle_module.Worth is AccuracySource
