"""What jobs cost, budgets before and during the work, and how much one user may ask for."""
import os
import re
import time
import uuid

import openeo
import pytest
import requests
from graphs import add
from jobs_common import Jobs, stripes, synthesize

TIMEOUT = 60
SECOND, GB_SECOND, BYTE = 1, 0.5, 1e-3


@pytest.fixture(scope="module")
def shop(make_service, tmp_path_factory):
    """Prices a second, a gigabyte-second and a byte that are easily added up; at most three jobs of a user at once."""
    service = make_service("billing.currency=credits", f"billing.work_hour={3600 * SECOND}", f"billing.memory_gb_hour={3600 * GB_SECOND}",
                           f"billing.result_gb={1e9 * BYTE}", "jobs.user_jobs=3", "udf.python=none", workers=1)
    service.add_user("alice")
    folder = tmp_path_factory.mktemp("scenes")
    folder.chmod(0o755)
    service.command("catalog", "import", *synthesize(folder, size=512))
    service.jobs = Jobs(service, service.session("alice"))
    return service


@pytest.fixture
def nobody_works(shop):
    """Tasks that are made now wait until somebody says otherwise: a job stays as it was started."""
    shop.sql("CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.not_before := now() + interval ''1 h''; RETURN NEW; END';"
             "CREATE TRIGGER hold BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION hold()")
    yield
    shop.sql("DROP FUNCTION hold CASCADE")


def test_without_runtimes(shop):
    """An empty list is not allowed since 1.3; without an interpreter there is no run_udf."""
    assert requests.get(shop.base + "/openeo/1.2/udf_runtimes", timeout=TIMEOUT).json() == {}
    assert requests.get(shop.base + "/openeo/1.3/udf_runtimes", timeout=TIMEOUT).status_code == 404
    capabilities = requests.get(shop.base + "/openeo/1.3/", timeout=TIMEOUT).json()
    assert "/udf_runtimes" not in [endpoint["path"] for endpoint in capabilities["endpoints"]]
    processes = requests.get(shop.base + "/openeo/1.3/processes", timeout=TIMEOUT).json()["processes"]
    assert "run_udf" not in [process["id"] for process in processes]


def test_prices_are_told(shop):
    billing = requests.get(shop.base + "/openeo/1.3/", timeout=TIMEOUT).json()["billing"]
    assert billing["currency"] == "credits" and billing["default_plan"] == billing["plans"][0]["name"] == "standard"
    assert shop.jobs.call("GET", "/me").json()["default_plan"] == "standard"
    told = openeo.connect(shop.base).capabilities()
    assert told.currency() == "credits" and [p["name"] for p in told.list_plans()] == ["standard"]
    for plan, code in [("Standard", 201), ("gold", "BillingPlanInvalid")]:
        answer = shop.jobs.call("POST", "/jobs", json={"process": add(), "plan": plan})
        assert code in (answer.status_code, answer.content and answer.json()["code"])


def test_costs_are_the_sum_of_what_was_used(shop):
    job = shop.jobs.create(stripes(2))
    done = shop.jobs.wait(job)
    assert done["status"] == "finished" and done["plan"] == "standard"
    usage = done["usage"]
    assert usage["cpu"]["value"] > 0 and usage["memory"]["value"] == pytest.approx(usage["cpu"]["value"] * 2 * 1024**3 / 1e9)
    *_, said = [line["message"] for line in shop.jobs.call("GET", f"/jobs/{job}/logs").json()["logs"] if line["message"].startswith("Finished")]
    pixels, seconds = re.fullmatch(r"Finished: 2 files; (\d+) pixels were decoded, with ([0-9.]+) s of work in \d tasks?\.", said).groups()
    assert usage["input_pixel"] == {"value": pytest.approx(int(pixels) / 1e6), "unit": "mega-pixel"} and int(pixels) > 0
    assert float(seconds) == pytest.approx(usage["cpu"]["value"], abs=0.051)
    results = shop.jobs.call("GET", f"/jobs/{job}/results")
    size = sum(asset["file:size"] for asset in results.json()["assets"].values())
    assert size > 0 and results.headers["OpenEO-Costs"] == "0"
    assert done["costs"] == pytest.approx(usage["cpu"]["value"] * SECOND + usage["memory"]["value"] * GB_SECOND + size * BYTE)
    listed = next(j for j in shop.jobs.call("GET", "/jobs").json()["jobs"] if j["id"] == job)
    assert listed["costs"] == pytest.approx(done["costs"])
    estimate = shop.jobs.call("GET", f"/jobs/{job}/estimate").json()
    assert estimate["costs"] >= estimate["size"] * BYTE > 0
    shop.jobs.call("DELETE", f"/jobs/{job}")


def test_a_start_beyond_the_budget_is_refused(shop):
    job = shop.jobs.create(stripes(1), start=False)
    estimate = shop.jobs.call("GET", f"/jobs/{job}/estimate").json()["costs"]
    assert shop.jobs.call("PATCH", f"/jobs/{job}", json={"budget": estimate * 0.9}).status_code == 204
    refused = shop.jobs.call("POST", f"/jobs/{job}/results")
    assert (refused.status_code, refused.json()["code"]) == (402, "PaymentRequired") and "credits" in refused.json()["message"]
    assert shop.jobs.get(job)["status"] == "created" and "costs" not in shop.jobs.get(job)
    for enough in [estimate + 1000, None]:
        assert shop.jobs.call("PATCH", f"/jobs/{job}", json={"budget": enough}).status_code == 204
        assert shop.jobs.call("POST", f"/jobs/{job}/results").status_code == 202
        assert shop.jobs.wait(job)["status"] == "finished"
    shop.jobs.call("DELETE", f"/jobs/{job}")
    process = {"process_graph": stripes(1)}
    refused = shop.jobs.call("POST", "/result", json={"process": process, "budget": 0})
    assert (refused.status_code, refused.json()["code"]) == (402, "PaymentRequired")
    answer = shop.jobs.call("POST", "/result", json={"process": process, "budget": 1e6})
    assert answer.status_code == 200 and float(answer.headers["OpenEO-Costs"]) >= len(answer.content) * BYTE


def test_a_job_that_costs_more_is_stopped(shop, nobody_works):
    """One task works for weeks."""
    answer = shop.jobs.call("POST", "/jobs", json={"process": {"process_graph": stripes(1)}, "budget": 500000})
    job = answer.headers["OpenEO-Identifier"]
    assert shop.jobs.call("POST", f"/jobs/{job}/results").status_code == 202
    shop.sql(f"UPDATE jobs SET state = 2 WHERE id = '{job}'; UPDATE tasks SET state = 'x', token = 1, started = now() - interval '1000 h',"
             f" lease = now() + interval '1 h' WHERE job = '{job}'")
    done = shop.jobs.wait(job)
    assert done["status"] == "error"
    entry = shop.jobs.logs(job)[-1]
    assert (entry["level"], entry["code"]) == ("error", "PaymentRequired") and "budget is 500000" in entry["message"]
    failed = shop.jobs.call("GET", f"/jobs/{job}/results")
    assert (failed.status_code, failed.json()["code"]) == (424, "PaymentRequired")
    shop.jobs.call("DELETE", f"/jobs/{job}")


def test_a_user_has_so_many_jobs_at_once(shop, nobody_works):
    jobs = [shop.jobs.create(stripes(1)) for _ in range(3)]
    last = shop.jobs.create(stripes(1), start=False)
    refused = shop.jobs.call("POST", f"/jobs/{last}/results")
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests") and int(refused.headers["Retry-After"]) > 0
    assert shop.jobs.call("DELETE", f"/jobs/{jobs[0]}/results").status_code == 204
    assert shop.jobs.call("POST", f"/jobs/{last}/results").status_code == 202
    for job in [*jobs, last]:
        assert shop.jobs.call("DELETE", f"/jobs/{job}").status_code == 204


def test_removing_a_user_removes_his_files(shop):
    shop.add_user("carol")
    carol = shop.session("carol")
    assert carol.put(shop.base + "/openeo/1.3/files/a/b.txt", data=b"mine", timeout=TIMEOUT).status_code == 200
    files = shop.data / "files"
    folder = files / carol.get(shop.base + "/openeo/1.3/me", timeout=TIMEOUT).json()["user_id"]
    assert (folder / "a/b.txt").read_bytes() == b"mine"
    shop.command("user", "remove", "carol")
    assert not folder.exists()
    # what a server left that died: old uploads, and folders of nobody
    left, young = [files / ".incoming" / str(uuid.uuid4()) for _ in range(2)]
    for path in (left, young):
        path.write_bytes(b"part")
    os.utime(left, (time.time() - 7200,) * 2)
    (folder / "x").mkdir(parents=True)
    shop.command("gc")
    assert not left.exists() and young.exists() and not folder.exists()
    young.unlink()
