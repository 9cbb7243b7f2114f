"""A hub on the loopback address: the wire format that huggingface_hub speaks, over files in a folder."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

PIECE = 50_000
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """One repository's files, what was asked for, and how it fails."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.asked: list[str] = []
        self.cut_after: int | None = None
        """Bytes of a large file after which the connection is cut, once."""
        self.gated = False
        """Whether files are for those who have agreed; the list of them is for all."""
        self.pause = 0.0
        """Seconds before each piece of a large file."""
        self.status: int = 200
        self.headers: dict[str, str] = {}

    def files(self) -> dict[str, Path]:
        return {f.relative_to(self.folder).as_posix(): f for f in sorted(self.folder.rglob("*")) if f.is_file()}


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *said: object) -> None:
            return

        def _send(self, status: int, body: bytes, headers: dict[str, str], show: bool) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in range(0, len(body) if show else 0, PIECE):
                time.sleep(hub.pause)
                self.wfile.write(body[piece : piece + PIECE])

        def _json(self, data: object) -> None:
            self._send(200, json.dumps(data).encode(), {"Content-Type": "application/json"}, True)

        def do_HEAD(self) -> None:
            self._answer(show=False)

        def do_GET(self) -> None:
            self._answer(show=True)

        def _answer(self, show: bool) -> None:
            path = self.path.split("?")[0]
            hub.asked.append(f"{self.command} {path}" + (f" {self.headers['Range']}" if self.headers["Range"] else ""))
            if hub.gated and "/resolve/" in path:
                self._send(401, b"{}", {"X-Error-Code": "GatedRepo"}, show)
            elif hub.status != 200:
                self._send(hub.status, b'{"error": "no"}', hub.headers, show)
            elif re.fullmatch(rf"/api/models/{hub.name}(/revision/[^/]+)?", path):
                self._json({"id": hub.name, "sha": COMMIT, "siblings": [{"rfilename": n} for n in hub.files()]})
            elif re.fullmatch(rf"/api/models/{hub.name}/tree/(?!{COMMIT}).*", path):
                self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, show)
            elif path == f"/api/models/{hub.name}/tree/{COMMIT}":
                self._json([_entry(name, file) for name, file in hub.files().items()])
            elif found := re.fullmatch(rf"/{hub.name}/resolve/{COMMIT}/(.+)", path):
                self._file(found[1], show)
            else:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, show)

        def _file(self, name: str, show: bool) -> None:
            if name not in hub.files():
                return self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, show)
            data = hub.files()[name].read_bytes()
            headers = {"ETag": f'"{_etag(name, data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            start = int(re.match(r"bytes=(\d+)-", self.headers["Range"])[1]) if self.headers["Range"] else 0
            if start:
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            body = data[start:]
            if show and hub.cut_after is not None and len(body) > hub.cut_after:
                self.send_response(206 if start else 200)
                for header, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body[: hub.cut_after])
                self.wfile.flush()
                hub.cut_after = None
                self.close_connection = True
                return None
            return self._send(206 if start else 200, body, headers, show)

    return Handler


def _etag(name: str, data: bytes) -> str:
    """Large files are named by their content, small ones as git does."""
    if name.endswith(".safetensors"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _entry(name: str, file: Path) -> dict[str, object]:
    data = file.read_bytes()
    entry: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": _etag(name, data)}
    if name.endswith(".safetensors"):
        entry["lfs"] = {"oid": _etag(name, data), "size": len(data), "pointerSize": 134}
    return entry


@contextmanager
def serving(hub: Hub):
    """The hub's address while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
