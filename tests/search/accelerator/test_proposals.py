"""Each accelerator that is ruled out counts for one reason, the first that holds."""

from itertools import count

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import find_preset
from naas_hw.search.accelerator import proposals
from naas_hw.search.accelerator.candidates import Evaluator
from naas_hw.search.accelerator.proposals import Proposals
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

BUDGET = Budget(name="small", max_pes=32, on_chip_bytes=16384, beat_bytes=8)
NETWORK = Network(name="net", layers=(Layer(name="a", K=8, C=8, P=4, Q=4, height=4, width=4),))
FATES = ["over", "known", "pruned", "over", "no room", "good"]
DESIGNS = {
    fate: find_preset("nvdla-256").accelerator.model_copy(update={"name": fate.replace(" ", "_")})
    for fate in FATES
}


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Proposals:
    """Draws these accelerators, one after the other, each with its fate."""
    settings = SearchSettings(population=2)
    evaluator = Evaluator([NETWORK], BUDGET, settings.mapping_settings(BUDGET))
    order = (DESIGNS[FATES[number]] for number in count())

    def bound(accelerator: Accelerator) -> float:
        return 9.0 if accelerator is DESIGNS["pruned"] else 1.0

    drawing = Proposals(evaluator, settings)
    monkeypatch.setattr(type(drawing.encoding), "decode", lambda *_: next(order))
    monkeypatch.setattr(proposals, "violations", lambda _, one: ["x"] * (one is DESIGNS["over"]))
    monkeypatch.setattr(evaluator, "lower_bound", bound)
    monkeypatch.setattr(evaluator, "is_mappable", lambda one: one is not DESIGNS["no room"])
    return drawing


def test_every_reason_is_counted(drawing: Proposals):
    point = drawing.encoding.start
    (found,) = drawing._proposals(
        [point], lambda number: [np.zeros(1)] * number, {DESIGNS["known"]}, 5.0
    )
    assert found.accelerator is DESIGNS["good"]
    assert found.rejections == Rejections(over_budget=2, known=1, pruned=1, without_room=1)
    assert found.num_invalid == len(FATES) - 1 and found.num_pruned == 1


def test_rejections_add_up():
    one = Rejections(over_budget=1, known=2, pruned=3, without_room=4)
    assert one + Rejections(known=1) == Rejections(over_budget=1, known=3, pruned=3, without_room=4)
    assert sum([one, one], Rejections()).total == 2 * one.total == 20
