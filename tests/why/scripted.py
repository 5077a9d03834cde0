"""A bot's REST API on loopback that answers as a script says."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Script(dict[str, Any]):
    """Answers by path; an answer may be a status with a document, or raw bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.password = "secret_*"
        self.asked: list[str] = []

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        found = self.get(path, (404, {"detail": "Not Found"}))
        return found(body["pair"]) if callable(found) else found


@contextmanager
def answering(script: Script) -> Iterator[Script]:
    """Let a script answer on loopback; `script.url` is where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null") or {}
            path = urlsplit(self.path).path.removeprefix("/api/v1/")
            script.asked.append(path)
            token = base64.b64encode(f"gridkit:{script.password}".encode()).decode()
            allowed = self.headers.get("Authorization") == f"Basic {token}"
            answer = script.answer(path, {**parse_qs(urlsplit(self.path).query), **body})
            if not allowed:
                answer = (401, {"detail": "Unauthorized"})
            status, document = answer if isinstance(answer, tuple) else (200, answer)
            raw = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # who asks may have gone by then
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
