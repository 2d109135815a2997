"""naas_hw opens no connection: the verbs run where each attempt to reach a network is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Python reads it at its start: in the process of naas, in its workers and in simulators.
SITE = """
import socket
import sys

NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
ADDRESSED = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}


def refuse(event, arguments):
    if event in NAMES:
        raise PermissionError(f"{event}{arguments}")
    if event in ADDRESSED and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        raise PermissionError(f"{event} {arguments[1]}")


sys.addaudithook(refuse)
"""

VERBS = """
import socket
from naas_hw.cli import main

for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try:
        socket.socket(family).connect((address, 9))
    except PermissionError:
        continue
    raise SystemExit("the test does not refuse connections")

effort = "--population 2 --generations 1 --evaluations 50 --seed 0 --processes 2".split()
verbs = (
    ["quickstart", "-o", "first"],
    ["check", "network.yaml"],
    ["map", "network.yaml", "--accelerator", "nvdla-256", "--evaluations", "50", "-o", "mapped"],
    ["search", "network.yaml", "--budget", "budget.yaml", *effort, "-o", "run"],
    ["evaluate", "run"],
    ["generate", "run"],
    ["report", "run"],
    ["doctor", "run"],
)
for words in verbs:
    if main([*words]):
        raise SystemExit(f"naas {words[0]} failed")
"""
NETWORK = (
    "version: 1\nname: tiny\nlayers:\n- {name: a, K: 4, C: 4, P: 4, Q: 4, height: 4, width: 4}\n"
)
BUDGET = "version: 1\nname: tiny\nmax_pes: 8\non_chip_bytes: 8192\nbeat_bytes: 4\nnum_banks: 6\n"


@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog")
def test_verbs_reach_no_network(tmp_path: Path) -> None:
    (tmp_path / "network.yaml").write_text(NETWORK)
    (tmp_path / "budget.yaml").write_text(BUDGET)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    paths = (str(tmp_path / "site"), str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", VERBS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
