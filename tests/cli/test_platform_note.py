"""On a platform that is not tested, one sentence on the error stream, and nothing else changes."""

import json
from collections.abc import Iterator

import pytest

import naas_hw.cli
from naas_hw.cli import main, note_platform

STRANGE = ("Plan9", "mips", (3, 12))


@pytest.fixture
def strange(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has just started on such a platform."""
    monkeypatch.setattr(naas_hw.cli, "this_platform", lambda: STRANGE)
    note_platform.cache_clear()
    yield
    note_platform.cache_clear()


@pytest.mark.usefixtures("strange")
def test_it_is_said_once_and_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "network"]) == 0
    first = capsys.readouterr()
    assert first.err.startswith("naas: note: naas_hw is not tested on Plan9 mips with Python 3.12;")
    assert first.err.count("\n") == 1
    assert json.loads(first.out)["title"] == "Network"
    assert main(["schema", "network"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("strange")
def test_the_version_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("naas ")


def test_nothing_is_said_where_it_is_tested(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(naas_hw.cli, "this_platform", lambda: ("Linux", "x86_64", (3, 13)))
    assert main(["--version"]) == 0
    assert capsys.readouterr().err == ""
