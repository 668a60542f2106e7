"""Jobs under hardship: parts of the service are killed in the middle of a job of 200 tasks, and nothing
is lost, done twice, different or left behind. Then the end of jobs by dismissal and by failure."""
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import BINARY, SLOW_BUILD
import jobs_common
from jobs_common import Jobs, kill, pids, processes_under, synthesize

TASKS, KILLS = 200, 10
SETTINGS = ("jobs.task_seconds=0", "jobs.max_tasks=200", "worker.slots=2")


def stripes(count):
    """Of scenes of 512 x 512 pixels: what is tried here is many tasks, not large ones."""
    return jobs_common.stripes(count, lon=(15.0, 15.065), lat=(46.008, 46.053))


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    return synthesize(tmp_path_factory.mktemp("synthetic"), dates=3, size=512)


@pytest.fixture(scope="module")
def hard(make_service, products):
    """A service that is treated badly."""
    service = make_service(*SETTINGS, workers=2)
    service.add_user("alice")
    service.command("catalog", "import", *products)
    return service


@pytest.fixture(scope="module")
def jobs(hard):
    return Jobs(hard, hard.session("alice"))


@pytest.fixture(scope="module")
def undisturbed(jobs):
    """What the job of 200 tasks gives in peace."""
    job = jobs.create(stripes(TASKS))
    end = jobs.wait(job)
    assert end["status"] == "finished", jobs.logs(job)
    assert int(jobs.service.sql(f"SELECT n_tasks FROM jobs WHERE id = '{job}'")) == TASKS + 2
    return jobs.digest(job)


def scratch(service):
    folder = Path(service.data) / "scratch"
    return [p.name for p in folder.iterdir()] if folder.exists() else []


def assert_no_scratch(service, within=5):
    """Temporaries go a moment after the job's end is told."""
    deadline = time.time() + within
    while scratch(service) and time.time() < deadline:
        time.sleep(0.02)
    assert scratch(service) == []


def assert_whole(jobs, job, digest):
    service = jobs.service
    end = jobs.wait(job)
    assert end["status"] == "finished", jobs.logs(job)
    assert jobs.digest(job) == digest
    rows = service.sql(f"SELECT n_tasks, n_done, blocks = blocks_done FROM jobs WHERE id = '{job}'").split("|")
    assert rows == [str(TASKS + 2), str(TASKS + 2), "t"]
    assert service.sql(f"SELECT count(*), count(DISTINCT name) FROM job_assets WHERE job = '{job}'") == f"{TASKS}|{TASKS}"
    assert service.sql(f"SELECT count(*) FROM artefacts WHERE job = '{job}'") == "0"
    assert_no_scratch(service)
    results = {p.name for p in (Path(service.data) / "results").iterdir()}
    assert all("." not in name for name in results), results


def test_what_is_small_does_not_wait_for_what_is_large(jobs):
    """All slots are taken by tasks that do not go on: the first task of another job finds a place beside them."""
    large, slots, end = jobs.create(stripes(TASKS)), 4, time.time() + 60
    while len(pids(jobs.service, "task")) < slots:
        assert time.time() < end
    stopped = pids(jobs.service, "task")
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        assert jobs.wait(jobs.create(stripes(1)), timeout=30)["status"] == "finished"
        assert jobs.get(large)["status"] == "running"
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert jobs.wait(large)["status"] == "finished"


def all_may_be_hit(service):
    """No task that is to be done was hit twice: a third time would rightly end its job."""
    return service.sql("SELECT count(*) FROM tasks WHERE failures >= 2 AND state IN ('w', 'r', 'x')") == "0"


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["task", "zygote", "worker", "serve", "postgres"])
def test_kill(jobs, undisturbed, victim):
    chance = random.Random(victim)
    accepted, kills, end = [], 0, time.time() + 120
    while kills < KILLS:
        assert time.time() < end, "nothing was there to be killed for long"
        if not accepted or jobs.service.sql(f"SELECT state FROM jobs WHERE id = '{accepted[-1]}'") == "3":
            accepted.append(jobs.create(stripes(TASKS)))  # a fast machine ends one before the tenth kill
            jobs.wait_tasks(accepted[-1], 1)
        time.sleep(chance.uniform(0.02, 0.25))
        found = pids(jobs.service, victim) if all_may_be_hit(jobs.service) else []
        if found and kill(chance.choice(found)):
            kills, end = kills + 1, time.time() + 120
    jobs.wait(accepted[-1])
    for job in accepted:
        assert_whole(jobs, job, undisturbed)


def test_kill_everything(make_service, products, undisturbed):
    """SIGKILL of `up` itself takes all with it; the next start goes on."""
    service = make_service(*SETTINGS, workers=1)
    service.add_user("alice")
    service.command("catalog", "import", *products)
    jobs = Jobs(service, service.session("alice"))
    job = jobs.create(stripes(TASKS))
    for done in (20, 80):
        jobs.wait_tasks(job, done)
        victims = [pid for kind in ("task", "worker", "serve", "postgres") for pid in pids(service, kind)]
        service.process.kill()
        service.process.wait()
        deadline = time.time() + 20
        while any(Path(f"/proc/{pid}").exists() for pid in victims):
            assert time.time() < deadline, "something outlived its parent"
            time.sleep(0.05)
        service.start()
    assert_whole(jobs, job, undisturbed)
    service.stop()


def test_stop_and_start_again(make_service, products, undisturbed):
    service = make_service(*SETTINGS, workers=1)
    service.add_user("alice")
    service.command("catalog", "import", *products)
    jobs = Jobs(service, service.session("alice"))
    job = jobs.create(stripes(TASKS))
    jobs.wait_tasks(job, 20)
    start = time.time()
    assert service.stop() == 0
    assert time.time() - start < 10
    service.start()
    assert_whole(jobs, job, undisturbed)
    service.stop()


def test_lost_temporary(jobs, undisturbed):
    """A part that vanishes is computed again."""
    job = jobs.create(stripes(TASKS))
    jobs.wait_tasks(job, 50)
    parts = [p for p in (Path(jobs.service.data) / "scratch").glob(f"{job}.*/*") if p.is_file()]
    known = set(jobs.service.sql(f"SELECT number || '.' || token FROM artefacts WHERE job = '{job}'").split())
    for part in [p for p in parts if p.name in known][:5]:
        part.unlink()
    assert_whole(jobs, job, undisturbed)
    assert any("computed again" in log["message"] for log in jobs.logs(job))


@pytest.mark.slow
def test_an_idle_child_leaves_what_it_made(jobs, undisturbed):
    """Children that wait too long for the last task of a job are ended; their parts are the job's."""
    job = jobs.create(stripes(TASKS))
    jobs.wait_tasks(job, 20)
    held = pids(jobs.service, "task")[0]
    os.kill(held, signal.SIGSTOP)
    try:
        jobs.wait_tasks(job, TASKS)  # all but the held one and the assembly
        end = time.time() + 30
        while pids(jobs.service, "task") != [held]:
            assert time.time() < end
            time.sleep(0.1)
    finally:
        os.kill(held, signal.SIGCONT)
    assert_whole(jobs, job, undisturbed)
    assert not any("computed again" in log["message"] for log in jobs.logs(job))


def test_progress_is_true(jobs):
    job = jobs.create(stripes(TASKS))
    seen = []
    while (now := jobs.get(job))["status"] in ("queued", "running"):
        seen.append(now.get("progress", 0))
        time.sleep(0.05)
    assert now["status"] == "finished"
    assert seen == sorted(seen) and seen[-1] > 50 and len(set(seen)) > 5
    assert now["progress"] == 100


def test_dismiss(jobs):
    job = jobs.create(stripes(TASKS))
    jobs.wait_tasks(job, 5)
    start = time.time()
    assert jobs.call("DELETE", f"/jobs/{job}/results").status_code == 204
    while pids(jobs.service, "task") or scratch(jobs.service):
        assert time.time() - start < (5 if SLOW_BUILD else 1), (pids(jobs.service, "task"), scratch(jobs.service))
        time.sleep(0.01)
    assert jobs.get(job)["status"] == "canceled"
    time.sleep(1)
    assert scratch(jobs.service) == []  # and nothing comes back
    # a canceled job may start again, and be deleted
    assert jobs.call("POST", f"/jobs/{job}/results").status_code == 202
    assert jobs.wait(job)["status"] == "finished"
    assert jobs.call("DELETE", f"/jobs/{job}").status_code == 204
    assert jobs.call("GET", f"/jobs/{job}").status_code == 404
    deadline = time.time() + 2
    while (Path(jobs.service.data) / "results" / job).exists():
        assert time.time() < deadline
        time.sleep(0.02)


def test_users_error_is_final(make_service, products, tmp_path):
    """A missing file fails the job at once, with code, message and node; the worker lives on."""
    copies = tmp_path / "copies"
    subprocess.run(["cp", "-r", str(products[0].parent), str(copies)], check=True)
    service = make_service(*SETTINGS, workers=1)
    service.add_user("alice")
    service.command("catalog", "import", *[copies / p.name for p in products])
    for file in copies.glob("*/B08.tif"):
        file.unlink()
    jobs = Jobs(service, service.session("alice"))
    start = time.time()
    job = jobs.create(stripes(3))
    end = jobs.wait(job)
    assert end["status"] == "error" and time.time() - start < 5
    errors = [log for log in jobs.logs(job) if log["level"] == "error"]
    assert len(errors) == 1 and errors[0]["code"] == "SourceUnreadable" and "B08.tif" in errors[0]["message"]
    assert service.sql(f"SELECT max(failures) FROM tasks WHERE job = '{job}'") == "0"
    assert_no_scratch(service)
    service.stop()


def test_task_that_always_dies(make_service, products):
    """Killed at every try, a task fails its job with the cause, after three times."""
    service = make_service(*SETTINGS, workers=1)
    service.add_user("alice")
    service.command("catalog", "import", *products)
    jobs = Jobs(service, service.session("alice"))
    job = jobs.create(stripes(TASKS))
    deadline = time.time() + 60
    while jobs.get(job)["status"] in ("queued", "running"):
        for pid in pids(service, "task"):
            kill(pid)
        assert time.time() < deadline
        time.sleep(0.002)
    errors = [log for log in jobs.logs(job) if log["level"] == "error"]
    assert len(errors) == 1 and "signal 9" in errors[0]["message"] and "tried 3 times" in errors[0]["message"]
    assert service.sql(f"SELECT max(failures) FROM tasks WHERE job = '{job}'") == "2"
    service.stop()


@pytest.mark.slow
def test_database_hangs(make_service, products, undisturbed):
    """A worker that cannot renew its leases ends its tasks before others may take them."""
    lease = 6
    service = make_service(*SETTINGS, f"jobs.lease={lease}", workers=1)
    service.add_user("alice")
    service.command("catalog", "import", *products)
    jobs = Jobs(service, service.session("alice"))
    job = jobs.create(stripes(TASKS))
    jobs.wait_tasks(job, 10)
    database = [pid for pid, name, _ in processes_under(service.process.pid) if name == "postgres"]
    running = set(pids(service, "task"))
    start = time.time()
    frozen = [pid for pid in database if kill(pid, signal.SIGSTOP)]  # connections end and begin meanwhile
    try:
        while running & set(pids(service, "task")):
            assert time.time() - start < lease, "tasks outlive their leases"
            time.sleep(0.02)
        time.sleep(2)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert_whole(jobs, job, undisturbed)
    assert service.sql(f"SELECT sum(failures) FROM tasks WHERE job = '{job}'") == "0"
    service.stop()


def test_second_up_is_refused(hard):
    done = subprocess.run([str(BINARY), "up", "--data", str(hard.data), "--port", "0"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1
    assert "in use by another 'sentier up'" in done.stderr and str(hard.process.pid) in done.stderr


def test_commands_share_the_database(make_service):
    """Commands find the database of `up`; without one they run it themselves, several at once."""
    service = make_service(start=False)
    service.data.chmod(0o755)
    running = [subprocess.Popen([str(BINARY), "user", "add", f"user{i}", "--data", str(service.data)],
                                stdin=subprocess.PIPE, text=True) for i in range(4)]
    for process in running:
        process.stdin.write("open sesame\n")
        process.stdin.close()
    assert [process.wait(60) for process in running] == [0] * 4
    service.start()
    listed = service.command("user", "list")
    assert all(f"user{i}" in listed for i in range(4))
    service.stop()


def test_newer_database_is_refused(make_service):
    service = make_service()
    service.sql("INSERT INTO schema_version(number, file) VALUES (9999, 'future')")
    service.stop()
    done = service.command("migrate", check=False)
    assert done.returncode == 1 and "version 9999" in done.stderr
    done = subprocess.run([str(BINARY), "up", "--data", str(service.data), "--port", "0"], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1 and "version 9999" in done.stderr


def test_garbage(jobs):
    """gc removes what no row means, and nothing else."""
    service = jobs.service
    job = jobs.create(stripes(2))
    assert jobs.wait(job)["status"] == "finished"
    assert_no_scratch(service)
    before = jobs.digest(job)
    stranger = "00000000-0000-4000-8000-000000000000"
    results, temporaries = Path(service.data) / "results", Path(service.data) / "scratch"
    for folder in (results / stranger, results / f"{job}.12345", temporaries / f"{job}.1", temporaries / f"{stranger}.3"):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    (results / "not-ours").mkdir()
    service.command("gc")
    assert {p.name for p in results.iterdir()} >= {job, "not-ours"}
    assert not (results / stranger).exists() and not (results / f"{job}.12345").exists()
    assert scratch(service) == []
    assert jobs.digest(job) == before
    (results / "not-ours").rmdir()
    service.sql(f"UPDATE jobs SET expires = now() - interval '1 s' WHERE id = '{job}'")
    service.command("gc")
    assert jobs.call("GET", f"/jobs/{job}").status_code == 404
    assert not (results / job).exists()
