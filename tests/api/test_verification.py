"""The verb hands its settings to random verification."""

from pathlib import Path

from naas_hw import api
from naas_hw.api import verification
from naas_hw.arch.families import Family
from naas_hw.verify.coverage import Size


def test_the_settings_reach_random_verification(monkeypatch):
    asked = []
    monkeypatch.setattr(verification, "find_simulator", lambda name: f"found {name}")
    monkeypatch.setattr(
        verification, "verify_triples", lambda *words, **options: asked.append((words, options))
    )
    settings = api.VerifySettings(
        num_cases=7,
        seed=3,
        simulator="icarus",
        stalls=True,
        memory="any",
        size=Size.LARGE,
        family=Family.ECP5,
    )
    api.verify(settings, folder="failures", num_processes=2)
    assert asked == [
        (
            (7, 3),
            {
                "simulator": "found icarus",
                "stalls": True,
                "memory": "any",
                "size": Size.LARGE,
                "family": Family.ECP5,
                "num_processes": 2,
                "folder": Path("failures"),
                "progress": None,
            },
        )
    ]
