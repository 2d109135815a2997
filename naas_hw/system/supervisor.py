"""Stands between naas and a program that it starts, and ends with everything below it.

`python -I -S supervisor.py LIFELINE COMMAND...` starts the command, says its process id and waits.
The lifeline is one of two joined sockets, the other of which naas holds: it is at its end when naas
closes that, and when naas dies, however that happens. Then, and when the command has ended by
itself, the supervisor kills every process that is left below it. As the subreaper of its
descendants it becomes the parent of those whose own parent has died, so none gets away: make, then
g++, then cc1plus.

It takes the exit status of the command as its own, death by a signal included. It imports nothing
of naas: it has to start quickly.
"""

import ctypes
import os
import resource
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SECONDS_BETWEEN_ROUNDS = 0.01
_MAX_ROUNDS = 1000  # a process of another user cannot be killed, and is left in the end
_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_NOT_RUN = 127


def main(lifeline: int, command: list[str]) -> None:
    """Run the command, and end with its status when it ends or the lifeline does."""
    os.set_inheritable(lifeline, False)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    handlers: dict[signal.Signals, object] = {
        number: signal.signal(number, signal.SIG_IGN) for number in _DEAF_TO
    }
    own = os.getpid()
    child = os.fork()
    if not child:
        _become(command, handlers, own, prctl)
    os.closerange(3, lifeline)  # the command's alone: their other ends learn when it has died
    os.closerange(lifeline + 1, os.sysconf("SC_OPEN_MAX"))
    try:
        os.write(lifeline, child.to_bytes(8, "little"))
    except OSError:  # naas has died already
        pass
    status = _wait(child, lifeline)
    _end_descendants()
    _end_like(status)


def _become(
    command: list[str], handlers: dict[signal.Signals, object], parent: int, prctl: object
) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # type: ignore[operator]
    if os.getppid() != parent:
        os._exit(_NOT_RUN)
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_IGN if handler == signal.SIG_IGN else signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be run: {error.strerror}\n".encode(errors="replace"))
    os._exit(_NOT_RUN)


def _wait(child: int, lifeline: int) -> int:
    """Wait status of the child, killed where the lifeline ended first."""
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, lifeline], [], [])
    if ended not in ready:
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _end_descendants() -> None:
    """Kill all that is left below this process; return when nothing is."""
    for _ in range(_MAX_ROUNDS):
        for process in _descendants():
            try:
                os.kill(process, signal.SIGKILL)
            except OSError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_SECONDS_BETWEEN_ROUNDS)


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(name))
    descendants: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        descendants += below
        waiting += below
    return descendants


def _end_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
