"""Against a real HTTP server that answers as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from vigie.contract.loader import get_feed
from vigie.errors import IngestError
from vigie.simulator.http_sink import HttpSink


class Api:
    """Answers each request with the next of `answers` (status, body, headers), then accepts all."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.requests: list[tuple[str, str | None, list[Any]]] = []

    def answer(self, path: str, key: str | None, body: bytes) -> tuple[int, Any, dict[str, str]]:
        items = orjson.loads(body)
        self.requests.append((path, key, items))
        accepted = (202, {"accepted": len(items), "rejected": []}, {})
        return self.answers.pop(0) if self.answers else accepted


@pytest.fixture
def api() -> Iterator[tuple[Api, str]]:
    found = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, reply, headers = found.answer(
                self.path, self.headers.get("Authorization"), body
            )
            self.send_response(status)
            text = orjson.dumps(reply)
            for name, value in (headers | {"Content-Length": str(len(text))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def send(to: str, count: int) -> HttpSink:
    with HttpSink(get_feed("fleet"), to=to, key="secret", rate=None) as sink:
        for number in range(count):
            sink.send(b"any", orjson.dumps({"number": number}))
    return sink


def test_messages_go_in_arrays_with_the_key(api: tuple[Api, str]) -> None:
    server, address = api
    sink = send(address, 1200)
    assert (sink.acknowledged, sink.rejected) == (1200, 0)
    assert {(path, key) for path, key, _ in server.requests} == {
        ("/v1/readings/fleet", "Bearer secret")
    }
    sent = [item["number"] for _, _, items in server.requests for item in items]
    assert sent == [*range(1200)]
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_the_same_batch_is_sent_again_when_it_is_asked_for(
    api: tuple[Api, str], status: int
) -> None:
    server, address = api
    server.answers = [(status, {}, {"Retry-After": "0"}), (status, {}, {"Retry-After": "0.1"})]
    assert send(address, 3).acknowledged == 3
    first, *others = [items for _, _, items in server.requests]
    assert others == [first, first]


def test_a_server_that_comes_late_is_waited_for() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        port = taken.server_port
    served: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            served.append(self.rfile.read(int(self.headers["Content-Length"])))
            reply = b'{"accepted": 1, "rejected": []}'
            self.send_response(202)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    def serve() -> None:
        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            server.handle_request()

    late = threading.Timer(0.7, serve)
    late.start()
    assert send(f"http://127.0.0.1:{port}", 1).acknowledged == 1
    late.join()
    assert served == [b'[{"number":0}]']


@pytest.mark.parametrize("status", [202, 422])
def test_what_is_rejected_is_counted(api: tuple[Api, str], status: int) -> None:
    server, address = api
    rejected = [{"index": i, "field": "device", "reason": "missing"} for i in range(2)]
    server.answers = [(status, {"accepted": 1, "rejected": rejected}, {})]
    sink = send(address, 3)
    assert (sink.acknowledged, sink.rejected) == (1, 2)


def test_a_refused_key_ends_it_with_the_answer(api: tuple[Api, str]) -> None:
    server, address = api
    server.answers = [(401, {"detail": "unknown key"}, {})]
    with pytest.raises(IngestError, match=r"401, expected 202.*unknown key"):
        send(address, 3)
    assert len(server.requests) == 1
