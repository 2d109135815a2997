"""A worker that dies costs its task a retry, and nothing else; no worker outlives its starter."""

import importlib
import os
import pickle
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError, LegalityError, WorkerError
from naas_hw.parallel.tasks import Task, run_tasks, submit
from naas_hw.parallel.worker_pool import MAX_ATTEMPTS, WorkerPool

FRAGILE = """
import os, pathlib, signal

def attempt(marks):
    "Leave a mark; how many there are."
    (pathlib.Path(marks) / os.urandom(8).hex()).touch()
    return len(list(pathlib.Path(marks).iterdir()))

def exit_before(marks, number):
    if attempt(marks) < number:
        os._exit(7)
    return os.getpid()

def kill_before(marks, number):
    if attempt(marks) < number:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()
"""


@pytest.fixture
def fragile(tmp_path, monkeypatch):
    """A module of functions that end the process they run in, a number of times."""
    (tmp_path / "fragile_tasks.py").write_text(FRAGILE)
    (tmp_path / "marks").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("fragile_tasks")
    del sys.modules["fragile_tasks"]


@pytest.fixture(scope="module")
def pool():
    """Two workers, for the tests that leave them as they were."""
    started = WorkerPool(2)
    yield started
    started.stop()


def is_alive(process_id: int) -> bool:
    """Whether the process exists and has not ended; a zombie has."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_calls_run_in_other_processes_that_know_the_same_modules(pool):
    process_ids = {future.result() for future in [pool.submit(os.getpid) for _ in range(8)]}
    assert process_ids <= set(pool.process_ids)
    assert os.getpid() not in process_ids
    assert pool.submit(divmod, 7, 2).result() == (3, 1)


def test_an_error_of_a_call_arrives_as_itself_with_its_traceback(pool):
    with pytest.raises(ZeroDivisionError, match="division") as caught:
        pool.submit(divmod, 1, 0).result()
    assert "in _answer" in caught.value.__notes__[0]
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pool.submit(lambda: 1).result()
    assert pool.submit(divmod, 7, 2).result() == (3, 1)


def test_errors_of_ours_survive_pickling():
    error = pickle.loads(pickle.dumps(LegalityError(["a", "b"])))
    assert (str(error), error.violations) == ("illegal mapping: a; b", ["a", "b"])


@pytest.mark.parametrize("how", ["exit_before", "kill_before"])
def test_a_task_whose_worker_dies_is_done_again_and_others_notice_nothing(fragile, how, tmp_path):
    marks = tmp_path / "marks"
    with WorkerPool(2) as pool:
        first = set(pool.process_ids)
        tasks = [
            Task(name="dies", function=getattr(fragile, how), arguments=(marks, MAX_ATTEMPTS)),
            *(Task(name="lives", function=divmod, arguments=(n, 2)) for n in range(6)),
        ]
        survivor, *others = run_tasks(pool, tasks)
        assert others == [divmod(n, 2) for n in range(6)]
        assert survivor in pool.process_ids
        assert len(first & set(pool.process_ids)) == 1  # one worker died, the other did not
    assert len(list(marks.iterdir())) == MAX_ATTEMPTS


def test_a_task_that_ends_every_worker_is_named_and_the_pool_goes_on(fragile, tmp_path):
    with WorkerPool(1) as pool:
        doomed = submit(pool, Task(name="layer b", function=os._exit, arguments=(9,)))
        after = pool.submit(divmod, 7, 2)
        with pytest.raises(WorkerError) as caught:
            doomed()
        assert str(caught.value) == (
            f"layer b: worker ended {MAX_ATTEMPTS} times while running one task "
            "(the last with exit status 9); try fewer processes"
        )
        assert after.result() == (3, 1)


def test_a_worker_that_was_killed_while_it_was_idle_costs_no_attempt(fragile, tmp_path):
    with WorkerPool(1) as pool:
        pool.submit(divmod, 7, 2).result()
        os.kill(pool.process_ids[0], signal.SIGKILL)
        wait_for_end(pool.process_ids)
        last = pool.submit(fragile.kill_before, tmp_path / "marks", MAX_ATTEMPTS).result()
        assert last == pool.process_ids[0]


def test_workers_are_deaf_to_ctrl_c(pool):
    before = pool.process_ids
    future = pool.submit(time.sleep, 0.1)
    for process_id in before:
        os.kill(process_id, signal.SIGINT)
    assert future.result() is None
    assert pool.submit(divmod, 9, 2).result() == (4, 1)
    assert pool.process_ids == before


def test_stopping_ends_what_runs_at_once_and_cancels_what_waits(tmp_path):
    pool = WorkerPool(1)
    running, waiting = pool.submit(time.sleep, 1000), pool.submit(divmod, 1, 1)
    (worker,) = pool.process_ids
    pool.stop()
    assert not is_alive(worker)
    assert waiting.cancelled() or isinstance(waiting.exception(), WorkerError)
    assert isinstance(running.exception(), WorkerError) or running.cancelled()
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(divmod, 1, 1)


def test_no_process_is_refused():
    with pytest.raises(InputError, match="processes must be at least 1, not 0"):
        WorkerPool(0)


def test_workers_end_when_their_starter_is_killed_whatever_they_do():
    """The starter prints its workers, one of them at work for long, and is killed."""
    text = """
        import time
        from naas_hw.parallel.worker_pool import WorkerPool
        pool = WorkerPool(2)
        pool.submit(divmod, 1, 1).result()
        pool.submit(time.sleep, 1000)
        print(*pool.process_ids, flush=True)
        time.sleep(1000)
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text)], stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        process_ids = [int(word) for word in starter.stdout.readline().split()]
        assert len(process_ids) == 2
        assert all(map(is_alive, process_ids))
        starter.kill()
    wait_for_end(process_ids)


def wait_for_end(process_ids: Iterable[int]) -> None:
    """Return when all have ended; pytest's own patience is the limit."""
    for process_id in process_ids:
        try:
            handle = os.pidfd_open(process_id)
        except ProcessLookupError:
            continue
        ended, _, _ = select.select([handle], [], [], 60)
        os.close(handle)
        assert ended, f"process {process_id} must end with its starter"
