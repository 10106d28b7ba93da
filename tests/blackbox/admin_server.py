"""A real HTTP server with answers that a test chooses: what commands ask, where a running process would be too slow to bring
into the state that is to be shown, or may not be in it at all."""
import json
import os
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

RECORDED = Path(__file__).parent / "answers"


class Question(NamedTuple):
    method: str
    path: str
    body: object
    authorization: str


def recorded(name):
    """An answer of the API, as text, from answers/."""
    return (RECORDED / f"{name}.json").read_text()


def problem(status, detail, **members):
    """An answer that refuses."""
    return status, "application/problem+json", json.dumps(
        dict(type="about:blank", title="no", status=status, detail=detail, **members))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "client"

    def log_message(self, *_):
        pass

    def _answer(self):
        length = int(self.headers.get("content-length", 0))
        text = self.rfile.read(length)
        question = Question(self.command, self.path, json.loads(text) if text else None,
                            self.headers.get("authorization", ""))
        self.server.questions.append(question)
        given = self.server.answer(question)
        if isinstance(given, bytes):  # what is no HTTP
            self.wfile.write(given)
            self.close_connection = True
            return
        status, content_type, body = given
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if body is not None:
            self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        if body:
            self.wfile.write(body.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = _answer


class _UnixServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "unix", 0

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)


class AdminServer:
    """`answers`: {"GET /v1/status": answer}. An answer is a text (JSON, 200), (status, type, text), bytes that are no HTTP,
    a list of these (one each time, the last again and again) or a function of the Question. The query of a path may be
    left out. `questions` are those that came."""

    def __init__(self, answers, path=None):
        self._answers = {key: list(value) if isinstance(value, list) else [value] for key, value in answers.items()}
        self._lock = threading.Lock()
        self._server = _UnixServer(str(path), _Handler) if path else ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.answer = self._answer
        self.questions = self._server.questions = []
        self.arguments = ["--socket", str(path)] if path else ["--admin", self.url()]
        self._path = path
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=dict(poll_interval=0.01), daemon=True)
        self._thread.start()

    def url(self):
        return "http://127.0.0.1:%d" % self._server.server_address[1]

    def _answer(self, question):
        with self._lock:
            key = f"{question.method} {question.path}"
            answers = self._answers.get(key) or self._answers.get(key.split("?")[0])
            if answers is None:
                return problem(404, f"there is no {question.path}", known=["/v1/status"])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(question)
        return (200, "application/json", answer) if isinstance(answer, str) else answer

    def asked(self):
        """Method and path of each question."""
        return [f"{each.method} {each.path}" for each in self.questions]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._path:
            os.unlink(self._path)
