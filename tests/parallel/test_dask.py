"""Work on a real Dask cluster: a scheduler and two workers, as processes on this machine."""

import json
import os
import subprocess
import sys
import time
from importlib import metadata

import pytest

from naas_hw.cli import main
from naas_hw.core.errors import InputError, WorkerError
from naas_hw.parallel.dask import call_with_versions, dask_executor
from naas_hw.parallel.tasks import Task, run_tasks, submit

NETWORK = """\
version: 1
name: net
layers:
  - {name: a, K: 4, C: 4, P: 4, Q: 4, R: 3, S: 3, height: 4, width: 4, padding: [1, 1]}
  - {name: b, K: 4, C: 4, P: 2, Q: 4, height: 2, width: 4}
"""
FAST = [
    *("--budget", "shidiannao", "--generations", "2", "--population", "3"),
    *("--evaluations", "40", "--min-legal", "5", "--seed", "3"),
]


class Cluster:
    """A scheduler on a free port of 127.0.0.1, and workers of one thread each."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        while not self.file.exists():
            assert self.scheduler.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, kind, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}"]
        command += ["--scheduler-file", str(self.file), "--no-dashboard", *options]
        settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(command, stderr=log, env=os.environ | settings)
        self.processes.append(process)
        return process

    def add_worker(self):
        place = ("--local-directory", str(self.folder))
        return self._start("worker", "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", *place)

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    started = Cluster(tmp_path_factory.mktemp("dask"))
    for _ in range(2):
        started.add_worker()
    yield started
    started.end()


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "network.yaml"
    path.write_text(NETWORK)
    return str(path)


@pytest.mark.takes_seconds
def test_a_search_ends_on_the_same_files_as_in_one_process(cluster, network, tmp_path):
    alone, there = tmp_path / "alone", tmp_path / "there"
    assert main(["search", network, *FAST, "-o", str(alone), "--processes", "1"]) == 0
    assert main(["search", network, *FAST, "-o", str(there), "--dask", cluster.address]) == 0
    for name in ("accelerator.yaml", "mapping.yaml", "network.yaml", "result.json"):
        assert (there / name).read_bytes() == (alone / name).read_bytes()
    assert cluster.address not in (there / "manifest.json").read_text()


def test_a_network_is_mapped_the_same_as_in_one_process(cluster, network, tmp_path):
    options = ["--accelerator", "shidiannao", "--evaluations", "40", "--min-legal", "5"]
    alone, there = tmp_path / "alone", tmp_path / "there"
    assert main(["map", network, *options, "-o", str(alone), "--processes", "1"]) == 0
    assert main(["map", network, *options, "-o", str(there), "--dask", cluster.address]) == 0
    assert (there / "mapping.yaml").read_bytes() == (alone / "mapping.yaml").read_bytes()


def test_tasks_run_on_both_workers_and_errors_arrive_as_themselves(cluster):
    with dask_executor(cluster.address, packages=("naas_hw", "numpy")) as executor:
        tasks = [Task(name="n", function=divmod, arguments=(n, 2)) for n in range(20)]
        assert list(run_tasks(executor, tasks)) == [divmod(n, 2) for n in range(20)]
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result()


def test_a_worker_with_another_version_is_refused():
    have = metadata.version("numpy")
    assert call_with_versions({"numpy": have}, divmod, (7, 2), {}) == (3, 1)
    with pytest.raises(InputError, match=f"a Dask worker must have numpy 0.1, not {have}"):
        call_with_versions({"numpy": "0.1"}, divmod, (7, 2), {})


@pytest.mark.parametrize("address", ["nonsense", "odd://127.0.0.1:1", ""])
def test_what_is_no_address_is_one_sentence(network, tmp_path, address, capsys):
    status = main(["search", network, *FAST, "-o", str(tmp_path / "run"), "--dask", address])
    text = capsys.readouterr().err
    assert status == 2
    assert text.startswith(f"naas: error: no Dask scheduler answers at {address!r}")
    assert text.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_processes_and_dask_are_not_given_together(network, tmp_path, capsys):
    options = ["--dask", "tcp://127.0.0.1:1", "--processes", "2"]
    assert main(["search", network, *FAST, "-o", str(tmp_path / "run"), *options]) == 2
    assert "--processes and --dask must not be given together" in capsys.readouterr().err


DIE_ONCE = "open({mark!r}, 'x') and __import__('os')._exit(1)"


@pytest.mark.takes_seconds
def test_a_dead_worker_costs_a_retry_then_the_task_is_named_and_so_with_a_dead_scheduler(tmp_path):
    cluster = Cluster(tmp_path)
    try:
        with dask_executor(cluster.address) as executor:
            expression = DIE_ONCE.format(mark=str(tmp_path / "mark"))
            dies_once = submit(executor, Task(name="a", function=eval, arguments=(expression,)))
            for _ in range(2):
                cluster.add_worker()
            with pytest.raises(FileExistsError):  # of the second attempt
                dies_once()
            doomed = submit(executor, Task(name="layer b", function=os._exit, arguments=(1,)))
            cluster.add_worker()
            with pytest.raises(WorkerError, match="layer b: .* Dask worker .* died"):
                doomed()
            waiting = submit(executor, Task(name="layer c", function=divmod, arguments=(1, 1)))
            cluster.scheduler.kill()
            with pytest.raises(WorkerError, match="layer c: .* scheduler .* was lost"):
                waiting()
    finally:
        cluster.end()
