"""`latent-nas ui` without a browser: who may speak to it, what it lists, what it starts, and when it says so."""

import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from urllib.parse import quote

import pytest
from run_folder import NASTY, make
from test_runs import RUN

from latent_nas import cli, lock
from latent_nas.runs import files
from latent_nas.ui import form
from latent_nas.ui.guard import HEADER
from latent_nas.ui.server import Server

ODD = NASTY.replace("/", "")  # as far as a folder can be called so
HELD = "import sys; from pathlib import Path; from latent_nas import lock; p = Path(sys.argv[1])\n"
HELD += "with lock.held(p / lock.INSIDE, p): print('held', flush=True); sys.stdin.read()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of all kinds: finished, stopped, damaged, of an odd name; what was never begun, and what is no run."""
    place = tmp_path_factory.mktemp("ui") / "runs"
    make(place / "whole", 8)
    for name in ("stopped", "damaged", ODD):
        shutil.copytree(RUN, place / name)
    (place / "stopped" / files.RESULT).unlink()
    (place / "damaged" / files.STORE).write_bytes(b"x" * 5000)
    (place / "notes").mkdir()
    (place / "notes" / NASTY.partition("/")[0]).write_text("mine")
    (place / "unbegun").mkdir()
    (place / "unbegun" / files.LOCK).write_text("")
    return place


@pytest.fixture(scope="module")
def server(folder):
    """The page, served."""
    served = Server(folder, 0)
    threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield served
    served.closing.set()
    served.shutdown()
    served.server_close()


def ask(server, path, method="GET", body=None, token=None, **headers):
    """Status, headers and text of an answer; ``token`` stands for the one in the path."""
    host = f"127.0.0.1:{server.guard.port}"
    connection = http.client.HTTPConnection(host, timeout=60)
    given = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    at = f"/{server.guard.token if token is None else token}{path}"
    connection.request(method, at, body if body is None else json.dumps(body), given)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, dict(answer.getheaders()), text


def post(server, path, body, **headers):
    status, _, text = ask(server, path, "POST", body, **{HEADER: server.guard.token, **headers})
    return status, json.loads(text)


def read(server, path):
    status, _, text = ask(server, path)
    assert status == 200, text
    return text


class TestWho:
    @pytest.mark.parametrize("token", ["", "wrong", "wröng".encode().decode("latin-1"), "../x"])
    def test_without_the_token_nothing_is_said(self, server, token):
        status, _, text = ask(server, "/", token=quote(token))
        assert (status, "whole" in text) == (403, False)

    @pytest.mark.parametrize(
        "headers",
        [{"Host": "evil.example:80"}, {"Host": "127.0.0.1"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
    )
    def test_another_site_reaches_nothing_even_with_the_token(self, server, headers):
        assert ask(server, "/", **headers)[0] == 403
        assert post(server, "/new", {"task": "digits"}, **headers)[0] == 403

    def test_nothing_is_written_without_the_token_in_a_header(self, server):
        for path in ("/new", "/run/whole/build", "/run/stopped/resume", "/job/1/stop"):
            assert ask(server, path, "POST", {})[0] == 403
            assert ask(server, path, "POST", {}, **{HEADER: "wrong"})[0] == 403
        assert server.routes.works.all() == []

    def test_every_answer_forbids_what_comes_from_elsewhere(self, server):
        for path in ("/", "/new", "/run/whole/", "/run/whole/report", "/static/page.js", "/nothing"):
            _, headers, text = ask(server, path)
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "unsafe-inline" not in headers["Content-Security-Policy"].split("style-src")[0] or "report" in path
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["X-Content-Type-Options"] == "nosniff"
            own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
            assert "://" not in own, path

    def test_a_form_is_small_json(self, server):
        assert post(server, "/new", ["digits"])[0] == 422
        assert post(server, "/new", {"task": 3})[0] == 422
        status, said = post(server, "/new", {"task": "x" * 70_000})
        assert (status, "at most" in said["error"]) == (422, True)


class TestPages:
    def test_all_runs_are_listed_and_what_is_wrong_with_the_others(self, server):
        text = read(server, "/")
        assert all(f"/run/{quote(name, safe='')}/" in text for name in ("whole", "stopped", "damaged", ODD))
        assert "study.sqlite is not a whole study file" in text or "not a whole study file" in text
        assert "<strong>notes</strong>: not a run folder: it has neither config.json nor study.sqlite" in text
        assert "<strong>unbegun</strong>: a search that ended before it had begun" in text
        assert 'class="state stopped">stopped</span><small>3 of 3 trainings' in text

    def test_names_are_text_wherever_they_stand(self, server):
        for path in ("/", f"/run/{quote(ODD, safe='')}/", f"/compare?run=whole&run={quote(ODD, safe='')}"):
            text = read(server, path)
            assert "&lt;img src=x" in text
            assert "<img src=x" not in text

    def test_a_run_has_its_summary_networks_and_a_form_for_firmware(self, server):
        text = read(server, "/run/whole/")
        assert "<h1>digits on stm32f405</h1>" in text
        assert text.count('id="training-') == 8
        assert 'data-post="run/whole/build"' in text
        assert "Only final networks have weights" in read(server, "/run/stopped/")
        assert "it has neither config.json" in read(server, "/run/notes/")
        assert "no training is known" in read(server, "/run/damaged/")

    def test_a_network_is_drawn_and_costed_on_every_board(self, server):
        text = read(server, "/run/whole/network/3")
        run = server.routes.listing.read("whole")
        assert f"<dd>{run.records[2].macs:,}</dd>" in text
        assert text.count('class="box"') > 4
        assert re.search(r'<tr class="best"><td>stm32f405</td>', text)
        computed = f"{run.records[2].latency_ms:,.2f} ± "
        assert computed in text[text.index('<tr class="best">') :]
        assert ask(server, "/run/whole/network/9")[0] == 404

    def test_runs_stand_side_by_side(self, server):
        text = read(server, "/compare?run=whole&run=stopped")
        assert text.count("<figure>") == 4
        assert "8 of 8" in text
        assert "3 of 3" in text
        assert "Choose two to 6 runs" in read(server, "/compare?run=whole")

    def test_files_of_a_run_are_handed_out_and_no_others(self, server, folder, tmp_path):
        status, headers, text = ask(server, "/run/whole/history.csv")
        assert (status, headers["Content-Type"]) == (200, "application/octet-stream")
        assert text == (folder / "whole" / "history.csv").read_text()
        assert "networks/1/graph.json" in read(server, "/run/whole/networks/1/")
        (folder / "whole" / "out").symlink_to(tmp_path)
        for path in ("/run/whole/../stopped/config.json", "/run/whole/%2e%2e%2fstopped/config.json", "/run/whole/out"):
            assert ask(server, path)[0] == 404
        assert ask(server, "/run/..%2f/config.json")[0] == 404
        (folder / "whole" / "out").unlink()


class TestForm:
    def test_fields_are_options(self, tmp_path):
        given = {
            "task": " photos/ ",
            "device": "rp2040",
            "flash_kb": "64",
            "latency_ms": "",
            "name": "mine",
            "top": "1",
        }
        words, place = form.arguments(given, tmp_path)
        assert place == tmp_path / "mine"
        assert words == [
            "search",
            "--task=photos/",
            "--device=rp2040",
            "--limit=flash_kb=64",
            "--top=1",
            f"--out={place}",
        ]

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({}, "name the data"),
            ({"task": "digits", "name": "../out"}, "can't be a folder's name"),
            ({"task": "digits", "name": "whole"}, "has 'whole' already"),
            ({"task": "digits", "name": "firmware"}, "has 'firmware' already"),
            ({"task": "own.py"}, "may be code"),
            ({"task": "digits", "plugin": "x"}, "the form has no plugin"),
        ],
    )
    def test_what_the_form_alone_has_is_checked_by_it(self, server, given, why):
        status, said = post(server, "/new", given)
        assert (status, why in said["error"]) == (422, True)

    def test_what_the_command_refuses_is_its_own_line_and_leaves_nothing(self, server, folder):
        before = sorted(folder.iterdir())
        _, said = post(server, "/new", {"task": "digits", "trainings": "many", "name": "wrong"})
        until = time.monotonic() + 120
        while (state := json.loads(read(server, f"/checked/{said['job']}")))["state"] == "checking":
            assert time.monotonic() < until
            time.sleep(0.1)
        assert state["state"] == "refused"
        assert state["error"].startswith("Invalid value for '--trainings'")
        assert sorted(folder.iterdir()) == before
        text = read(server, f"/job/{said['job']}")
        assert "refused" in text
        assert "latent-nas search --task=digits --trainings=many" in text

    @pytest.mark.parametrize(
        "given",
        [{"rank": "1"}, {"rank": "1", "device": "x.toml", "layout": "demo"}, {"rank": "-1", "device": "rp2040"}],
    )
    def test_firmware_is_built_of_what_the_lists_have(self, server, given):
        assert post(server, "/run/whole/build", given)[0] == 422
        assert post(server, "/run/none/build", given)[0] in (404, 422)


class TestLive:
    def test_a_process_that_works_is_shown_and_its_end_within_two_seconds(self, server, folder):
        place = folder / "stopped"
        with subprocess.Popen(
            [sys.executable, "-c", HELD, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout.readline() == "held\n"
            assert lock.holder(place / lock.INSIDE)["process"] == other.pid
            assert f"process {other.pid}" in read(server, "/run/stopped/")
            lines = stream(server, "run:stopped", server.routes.seen("run:stopped"))
            other.kill()
            died = time.monotonic()
            assert next(line for line in lines if line.startswith(b"data:"))
            assert time.monotonic() - died < 2
        assert (place / lock.INSIDE).exists()  # which a dead process can't remove
        assert lock.holder(place / lock.INSIDE) is None
        text = read(server, "/run/stopped/")
        assert "before it was finished; nothing is lost." in text
        assert 'data-post="run/stopped/resume"' in text
        assert lock.holder(folder / "whole" / lock.INSIDE) is None

    def test_a_training_is_an_event_and_what_was_missed_comes_with_the_next_connection(self, server, folder):
        seen = server.routes.seen("run:whole")
        lines = stream(server, "run:whole", seen)
        (folder / "whole" / files.LOG).write_text("a training\n")
        assert next(line for line in lines if line.startswith(b"data:"))
        assert next(line for line in stream(server, "runs", "long ago") if line.startswith(b"data:"))
        assert ask(server, "/events?topic=nothing")[0] == 404

    def test_a_part_is_the_page_without_its_frame(self, server):
        status, headers, text = ask(server, "/run/whole/?part=1")
        assert (status, "<nav" in text, "Trained networks" in text) == (200, False, True)
        assert headers["X-Seen"] == server.routes.seen("run:whole")


def stream(server, topic, seen):
    """Lines of a stream of events, as they come."""
    host = f"127.0.0.1:{server.guard.port}"
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", f"{server.guard.base}/events?topic={topic}&seen={quote(seen)}", headers={"Host": host})
    answer = connection.getresponse()
    assert answer.getheader("Content-Type") == "text/event-stream"
    return iter(answer.readline, b"")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["runs/whole"], "is a run itself; name the folder that holds it"),
        (["missing"], "there is no folder"),
        (["runs/whole/config.json"], "is not a folder"),
        (["runs", "--port", "70000"], "wanted 0 (any that is free) to 65535"),
    ],
)
def test_what_it_can_not_serve_is_said_in_a_line(folder, monkeypatch, capsys, arguments, why):
    monkeypatch.chdir(folder.parent)
    with pytest.raises(SystemExit) as end:
        cli.main(["ui", *arguments, "--no-open"])
    error = capsys.readouterr().err
    assert (end.value.code, error.count("\n")) == (2, 1)
    assert why in error


def test_a_second_page_on_the_same_port_is_told_the_next_free_one(server, folder, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["ui", str(folder), "--no-open", "--port", str(server.guard.port)])
    error = capsys.readouterr().err
    assert (end.value.code, error.count("\n")) == (2, 1)
    port = int(re.search(r"--port (\d+) is free", error)[1])
    Server(folder, port).server_close()
