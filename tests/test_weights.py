"""Getting weights from a hub that speaks the real wire format, on the loopback address."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from limner.errors import LimnerError, ModelError, UserError
from limner.tools import weights
from limner.tools.presets import load_preset, localised, own_folder
from limner.tools.studio import Studio
from limner.tools.weights import cached, fetch, plan

from . import tiny
from .hub import COMMIT, Hub, serving

NAME = "someone/tiny-janus"


@pytest.fixture(scope="session")
def repository(tmp_path_factory) -> Path:
    folder = tiny.janus(tmp_path_factory.mktemp("hub") / "janus")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling_own.py").write_text("raise SystemExit")
    return folder


@contextmanager
def open_hub(made: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub that everything is asked of, also by programs that are started, with an empty cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    with serving(made) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield made


@pytest.fixture
def hub(repository, tmp_path, monkeypatch):
    with open_hub(Hub(repository, NAME), tmp_path, monkeypatch) as made:
        yield made


def test_a_branch_is_pinned_and_only_safetensors_come(hub):
    download = plan(NAME, "main")
    assert download.commit == COMMIT
    assert {Path(f).suffix for f in download.files} == {".json", ".safetensors"}
    assert download.missing == download.bytes > 100_000
    assert not any("resolve" in line for line in hub.asked)
    folder = fetch(download)
    assert folder == cached(NAME, "main") or folder == cached(NAME, COMMIT)
    assert not list(folder.glob("*.bin")) and not list(folder.glob("*.py"))
    assert plan(NAME, COMMIT).missing == 0


def test_it_goes_on_where_it_stopped(hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    download = plan(NAME, "main")
    hub.cut_after = 50_000
    try:
        fetch(download)
    except LimnerError:
        fetch(download)
    ranges = [line.rpartition("bytes=")[2] for line in hub.asked if "bytes=" in line]
    assert any(line.startswith("50000-") for line in ranges), hub.asked
    assert plan(NAME, COMMIT).missing == 0


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {"X-Error-Code": "GatedRepo"}, "agree to its licence"),
        (403, {"X-Error-Code": "GatedRepo"}, "agree to its licence"),
        (401, {}, "not open to you: the hub says 401"),
        (403, {"X-Error-Message": "Please enable access to gated repositories"}, "not open to you: the hub says 403"),
        (429, {}, "no time for someone/tiny-janus now: it says 429"),
        (404, {"X-Error-Code": "RepoNotFound"}, "There is no someone/tiny-janus"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "no such revision"),
        (410, {}, "could not be fetched"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_the_hub_refuses_is_one_sentence(hub, status, headers, said):
    hub.status, hub.headers = status, headers
    with pytest.raises(LimnerError, match=said) as caught:
        plan(NAME, "main")
    assert "\n" not in caught.value.text and caught.value.hint


def test_nobody_there_and_offline_are_said(hub, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
        patch.setattr(weights, "REACH", 0.1)
        patch.setattr("huggingface_hub.HfApi.model_info", None)  # which would try for half a minute
        for address, said in (("http://127.0.0.1:9", "connection refused"), ("http://nowhere.invalid", ".+")):
            patch.setenv("HF_ENDPOINT", address)
            with pytest.raises(ModelError, match=rf"no way from here to [\w.]+ \({said}\)") as caught:
                plan(NAME, "main")
            assert NAME in caught.value.text and "run the same again" in caught.value.hint
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = len(hub.asked)
    with pytest.raises(UserError, match="offline"):
        plan(NAME, "main")
    assert len(hub.asked) == asked


def test_a_network_that_comes_and_goes_is_waited_for(hub, monkeypatch):
    connect, tries = socket.create_connection, []

    def flaky(*given, **asked):
        tries.append(given)
        if len(tries) == 1:
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return connect(*given, **asked)

    monkeypatch.setattr(weights.socket, "create_connection", flaky)
    assert plan(NAME, "main").commit == COMMIT and len(tries) > 1


def test_what_is_behind_a_proxy_is_not_looked_for(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(weights, "REACH", 0.1)
    weights._reach(NAME)
    monkeypatch.setenv("no_proxy", "hub.invalid")
    with pytest.raises(ModelError, match="no way"):
        weights._reach(NAME)


def test_a_revision_that_is_gone_gives_way_to_the_newest_only_if_asked(hub, monkeypatch):
    gone = "f" * 40
    with pytest.raises(UserError, match="no such revision") as caught:
        plan(NAME, gone)
    assert "--newest" in caught.value.hint and not cached(NAME, gone).exists()
    download = plan(NAME, gone, newest=True)
    assert (download.revision, download.commit) == (gone, COMMIT)
    folder = fetch(download)
    assert cached(NAME, gone) == folder == cached(NAME, COMMIT)


def test_pickles_only_are_refused(hub, tmp_path):
    (tmp_path / "pickles").mkdir()
    (tmp_path / "pickles" / "model.bin").write_bytes(b"x")
    (tmp_path / "pickles" / "config.json").write_text("{}")
    hub.folder = tmp_path / "pickles"
    with pytest.raises(ModelError, match=r"only pickles \(model.bin\)"):
        plan(NAME, "main")


@pytest.fixture
def home(tmp_path) -> Path:
    """A library folder with an own preset of a model on the hub."""
    own = own_folder(tmp_path / "home")
    own.mkdir(parents=True)
    model = {
        "family": "janus", "hub": NAME, "licence": "Own", "commercial": False, "download": 0.001, "memory": 0.01,
        "work": 0.001,
    }  # fmt: skip
    data = {"name": "mine", "summary": "Mine.", "methods": ["in_context"], "models": {"ar": model}}
    (own / "mine.yaml").write_text(yaml.safe_dump(data))
    return tmp_path / "home"


def limner(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "limner", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_the_command_asks_fetches_and_the_model_loads(hub, home, monkeypatch):
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    refused = limner(home, "presets", "get", "mine")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert "licence: Own" in refused.stderr and "may not be used commercially" in refused.stderr
    assert not any("resolve" in line for line in hub.asked)
    done = limner(home, "presets", "get", "mine", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["commit"] == COMMIT
    studio = Studio(load_preset("mine", home))
    assert studio.backbone("ar").hash
    studio.close()


def test_files_behind_a_gate_are_told_like_the_rest(hub, home):
    """Of a gated repository anybody may read the list."""
    hub.gated = True
    done = limner(home, "presets", "get", "mine", "--yes")
    assert done.returncode == 2 and "agree to its licence" in done.stderr and "hf auth login" in done.stderr
    assert f"https://huggingface.co/{NAME}" in done.stderr


def test_a_disk_without_room_is_said_before_anything_is_fetched(hub, home, monkeypatch):
    download = plan(NAME, "main")
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda place: SimpleNamespace(free=download.bytes - 1))
    with pytest.raises(UserError, match=r"are to be fetched, and .* are free on the disk of") as caught:
        weights.check_room(download.missing)
    assert "HF_HUB_CACHE" in caught.value.hint
    weights.check_room(download.bytes - 1)
    assert weights.sized(2_340_000_000) == "2.3 GB" and weights.sized(156_000_000) == "0.2 GB"
    assert weights.sized(770_000) == "0.8 MB"


def test_stopped_by_the_user_it_keeps_what_came_and_goes_on(hub, home):
    hub.pause = 1.0
    command = [sys.executable, "-m", "limner", "--home", str(home), "presets", "get", "mine", "--yes"]
    begun = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    while not any(line.startswith("GET") and "model.safetensors" in line for line in list(hub.asked)):
        assert begun.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    begun.send_signal(signal.SIGINT)
    _, said = begun.communicate()
    assert begun.returncode == 130 and "what has come is kept" in said and "Traceback" not in said, said
    hub.pause = 0.0
    assert limner(home, "presets", "get", "mine", "--yes").returncode == 0


def test_what_another_preset_has_fetched_is_there(hub, home):
    assert limner(home, "presets", "get", "mine", "--yes").returncode == 0
    file = own_folder(home) / "mine.yaml"
    (own_folder(home) / "yours.yaml").write_text(file.read_text().replace("name: mine", "name: yours"))
    hub.asked.clear()
    done = limner(home, "presets", "get", "yours")  # nothing to agree to
    assert done.returncode == 0 and f"0.0 MB of {weights.sized(plan(NAME, 'main').bytes)} to fetch" in done.stderr
    assert not any("GET" in line and "/resolve/" in line for line in hub.asked)


def test_two_models_of_one_repository_are_both_fetched(home):
    adapter = {
        "hub": "a/b",
        "revision": "main",
        "only": ["ip.safetensors"],
        "weights": "ip.safetensors",
        "encoder": "e",
    }
    painter = {
        "family": "stable_diffusion",
        "hub": "a/b",
        "licence": "MIT",
        "only": ["unet/*"],
        "image_adapter": adapter,
    }
    data = {"name": "two", "summary": "x", "methods": ["ip_adapter"], "models": {"diffusion": painter}}
    (own_folder(home) / "two.yaml").write_text(yaml.safe_dump(data))
    (source,) = weights.sources(load_preset("two", home))
    assert source.only == ("unet/*", "ip.safetensors")
    del painter["only"]
    (own_folder(home) / "two.yaml").write_text(yaml.safe_dump(data))
    assert weights.sources(load_preset("two", home))[0].only == ()


def test_doctor_goes_on_after_a_preset_with_a_slip(home):
    (own_folder(home) / "typo.yaml").write_text("name: typo\nsumary: x\nmethods: []\nmodels: {}\n")
    done = limner(home, "doctor")
    (note,) = [line for line in done.stdout.splitlines() if "typo" in line]
    assert note.startswith("note") and "line 2" in note and "Did you mean 'summary'?" in note
    assert any(line.startswith("ok    memory") for line in done.stdout.splitlines()), done.stdout + done.stderr


def test_doctor_finds_a_file_that_came_half(hub, home):
    assert limner(home, "presets", "get", "mine", "--yes").returncode == 0

    def said() -> list[str]:
        lines = limner(home, "--preset", "mine", "doctor").stdout.splitlines()
        return [line for line in lines if line[6:].startswith("weights")]

    assert said()[0].startswith("ok") and "no file missing or short" in said()[0]
    (file,) = cached(NAME, "main").glob("model.safetensors")
    whole = file.read_bytes()
    file.unlink()  # a link to the cache's own copy
    file.write_bytes(whole[:-100])
    assert said()[0].startswith("fail") and "Fetch it again" in said()[0]


def test_a_local_folder_takes_the_hubs_place(home, repository, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    for wrong, said in ((repository, "code of its own"), (tiny.clip(tmp_path / "clip"), "is a clip, not a janus"),
                        (tmp_path, "config.json is missing")):  # fmt: skip
        with pytest.raises(ModelError, match=said):
            localised("mine", wrong, own_folder(home), home)
    clean = shutil.copytree(repository, tmp_path / "clean", ignore=shutil.ignore_patterns("*.py", "*.bin"))
    file = localised("mine", clean, own_folder(home), home)
    preset = load_preset("mine", home)
    assert file == preset.path and preset.models["ar"].folder == clean and not preset.models["ar"].hub
    assert Studio(preset).backbone("ar").hash
    with pytest.raises(UserError, match="no folder"):
        localised("mine", tmp_path / "nowhere", own_folder(home), home)
