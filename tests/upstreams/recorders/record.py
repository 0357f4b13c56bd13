"""Records each request: a WSGI app for gunicorn, an ASGI app for daphne and uvicorn, and a server on
http.server."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAMES = {"probe": "x-probe", "host": "host", "kind": "ce-type", "hidden": "x-hidden"}


def record(method, target, header, body):
    """Writes a record. Returns the body of the response."""
    values = {key: header(name) or "-" for key, name in NAMES.items()}
    line = json.dumps({**values, "method": method, "target": target, "body": body.hex()})
    with open(os.environ["HANDLED"], "a") as handled:
        handled.write(f"{line}\n")
    return f"probe={values['probe']};\n".encode("latin-1", "replace")


def wsgi(environ, start_response):
    def header(name):
        return environ.get(f"HTTP_{name.upper().replace('-', '_')}")

    body = environ["wsgi.input"].read()
    content = record(environ["REQUEST_METHOD"], environ["RAW_URI"], header, body)
    start_response("200 OK", [("x-recorded", "1"), ("content-length", str(len(content)))])
    return [content]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message.get("body", b""), message.get("more_body")
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    content = record(scope["method"], f"{path}?{query}" if query else path, headers.get, body)
    lines = [(b"x-recorded", b"1"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": content})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        # The server calls `do_GET`, `do_POST` and so on.
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        body = self.read_chunks() if "transfer-encoding" in self.headers else self.read_length()
        # `self.path` is not the target as received: it has at most one slash at its start.
        target = self.requestline.split()[1]
        content = record(self.command, target, self.headers.get, body)
        self.send_response(200)
        self.send_header("x-recorded", "1")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    def read_length(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def read_chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
