"""Crews: all work is done, once, by whatever worker is left; with workers that are really killed."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from latent_nas.crews import carry_out, open_crew, tell
from latent_nas.evaluators import Job
from latent_nas.evaluators.training import Training
from latent_nas.evaluators.work import failed, record_of
from latent_nas.seeds import rng
from latent_nas.target import Setup, Target

TARGET = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn")


def square(x: int) -> int:
    return x * x


def killed_once(mark: str) -> int:
    """Die by a kill, the first time; then return the process's number."""
    if Path(mark).exists():
        return os.getpid()
    Path(mark).touch()
    return die()


def die() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def out_of_memory_once(mark: str) -> str:
    if Path(mark).exists():
        return "done"
    Path(mark).touch()
    raise MemoryError("no room")


def call(task):
    """Call a function of this module with its arguments."""
    return task[0](*task[1:])


@pytest.fixture(scope="module")
def crew():
    workers = open_crew(2)
    yield workers
    workers.close()


def results(crew, tasks):
    return list(carry_out(crew, call, tasks, lambda task, reason: reason))


def test_all_is_done_once(crew):
    assert sorted(results(crew, [(square, i) for i in range(9)])) == [i * i for i in range(9)]
    assert results(crew, []) == []


def about_worker(name: str) -> tuple[str, bool]:
    had = ("torch._dynamo", "numba", "pandas", "scipy", "sklearn.datasets")
    return os.environ.get(name, ""), all(module in sys.modules for module in had)


def looked_through() -> tuple[bool, int]:
    """Collect garbage; return whether a worker does so by itself, and how many objects it never looks at."""
    gc.collect()
    return gc.isenabled(), gc.get_freeze_count()


def parent() -> int:
    return os.getppid()


def test_a_worker_has_the_environment_of_now_and_torch_at_once(crew, monkeypatch):
    """The server it is forked from began earlier, and has imported what training needs."""
    assert results(crew, [(square, 2)]) == [4]
    monkeypatch.setenv("LATENT_NAS_TEST", "set since")
    later = open_crew(1)
    try:
        assert results(later, [(about_worker, "LATENT_NAS_TEST")]) == [("set since", sys.platform == "linux")]
    finally:
        later.close()


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked from a server on Linux alone")
def test_a_worker_collects_its_own_garbage_and_leaves_the_servers_pages_shared(crew):
    ((enabled, spared),) = results(crew, [(looked_through,)])
    assert enabled
    assert spared > 100_000  # objects that torch and its like are made of


EXPECTS = """
import os, signal, sys, time
from multiprocessing.forkserver import _forkserver as server
from latent_nas.crews import local, open_crew
local.expect()
print(server._forkserver_pid, flush=True)
if sys.argv[1:] == ["works"]:
    for _ in range(100):  # while Python begins there, and imports
        os.kill(server._forkserver_pid, signal.SIGINT)
        time.sleep(0.01)
    import test_crews as t
    crew = open_crew(1)
    print(*t.results(crew, [(t.parent,)]))
    crew.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked from a server on Linux alone")
def test_the_server_that_was_expected_is_the_one_that_workers_come_from(tmp_path):
    search = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    told = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": search}, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", EXPECTS, "works"], check=True, **told)
    assert done.stderr == ""
    server, of_worker = done.stdout.split()
    assert server == of_worker
    left = subprocess.run([sys.executable, "-c", EXPECTS], check=True, **told)  # it ends while the server imports
    assert left.stderr == ""
    deadline = time.monotonic() + 30
    while (there := runs(left.stdout.strip())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not there


def runs(pid):
    """Return whether a process is there that has not ended; one that nobody waits for stays on the list."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_a_killed_worker_did_is_done_elsewhere_and_nothing_else_again(crew, tmp_path):
    tasks = [(killed_once, str(tmp_path / "a")), *((square, i) for i in range(4)), (killed_once, str(tmp_path / "b"))]
    found = results(crew, tasks)
    assert len(found) == 6
    assert sorted(found)[:4] == [0, 1, 4, 9]
    assert os.getpid() not in found


def test_what_kills_its_worker_twice_fails_with_the_reason(crew):
    found = results(crew, [(die,), (square, 3)])
    assert 9 in found
    (reason,) = [text for text in found if isinstance(text, str)]
    assert reason == "failed 2 times; the last time its process died (killed, or out of memory)"


def test_want_of_memory_is_tried_again_and_a_bug_is_not_hidden(crew, tmp_path):
    assert results(crew, [(out_of_memory_once, str(tmp_path / "c"))]) == ["done"]
    with pytest.raises(TypeError):
        results(crew, [(square, "x")])
    assert results(crew, [(square, 2)]) == [4]  # the crew goes on


def test_tasks_are_taken_when_there_is_room_and_see_the_results_so_far(crew):
    seen = []

    def tasks():
        for i in range(6):
            assert i - len(seen) <= 2
            yield square, i

    for value in carry_out(crew, call, tasks(), lambda task, reason: -1):
        seen.append(value)
    assert sorted(seen) == [0, 1, 4, 9, 16, 25]


def talk(n):
    """Say lines, the last one as the work ends."""
    for i in range(n):
        tell(f"{n}.{i}")
    return n


def talk_and_die():
    tell("a last word")
    return die()


def test_lines_that_work_says_are_heard_in_order_before_its_answer(crew):
    heard = []
    crew.say = heard.append
    try:
        for n in carry_out(crew, call, [(talk, n) for n in range(1, 5)], lambda task, reason: reason):
            assert [line for line in heard if line.startswith(f"{n}.")] == [f"{n}.{i}" for i in range(n)]
        assert len(heard) == 10
        (reason,) = results(crew, [(talk_and_die,)])
    finally:
        del crew.say
    assert heard[10:] == ["a last word"] * 2
    assert "its process died" in reason
    assert results(crew, [(talk, 2)]) == [2]  # said to nobody


def talking(target, job):
    tell("teachers are trained first")
    return failed(target, job, "not trained")


def test_what_all_trainings_say_is_said_once():
    genes = np.unique(Setup(TARGET).space.sample(rng(5, "crew"), 2), axis=0).tolist()
    workers, heard = Training(TARGET, 2, work=talking), []
    workers.say = heard.append
    list(workers.evaluate([Job(tuple(g), 1) for g in genes]))
    workers.close()
    assert heard == ["teachers are trained first"]


def essence(record):
    return {k: v for k, v in record.to_json().items() if k != "wall_s"}


def test_a_killed_training_is_repeated_and_the_records_are_those_of_one_process():
    space = Setup(TARGET).space
    genes = space.sample(rng(5, "crew"), 200)
    small = genes[np.argsort(space.features(genes)[:, space.feature_names.index("macs")])[:3]]
    jobs = [Job(tuple(g), 1) for g in small.tolist()]
    before = set(multiprocessing.active_children())
    workers = Training(TARGET, 2)
    found = []
    for record in workers.evaluate(jobs):
        if not found:
            for victim in set(multiprocessing.active_children()) - before:
                os.kill(victim.pid, signal.SIGKILL)
        found.append(record)
    workers.close()
    assert all(record.ok for record in found)
    assert sorted(map(essence, found), key=lambda r: r["genes"]) == sorted(
        (essence(record_of(TARGET, job)) for job in jobs), key=lambda r: r["genes"]
    )


def lose(target, job):
    return die()


def test_a_training_that_is_lost_twice_is_a_lost_record():
    job = Job(tuple(map(int, Setup(TARGET).space.sample(rng(5, "crew"), 1)[0])), 1)
    workers = Training(TARGET, 1, work=lose)
    (record,) = workers.evaluate([job])
    workers.close()
    assert (record.status, record.genes, record.score) == ("lost", job.genes, None)
    assert "failed 2 times" in record.reason
    assert record.flash_bytes > 0
