"""Wraps each Python app. Makes the app fail, or changes its answer, as real apps do. The test writes the
name of the failure or change into the file `mode`."""

import gzip
import os
import time
from importlib import import_module

inner = import_module(os.environ["APP"]).app


def mode():
    try:
        with open(os.path.join(os.environ["FOLDER"], "mode")) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def app(environ, start):
    way = mode()

    def answer(status, headers, body):
        start(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]

    match way:
        case "status 500":
            return answer("500 Internal Server Error", [], b"<h1>Server Error (500)</h1>")
        case "redirect to login":
            return answer("302 Found", [("Location", "/accounts/login/?next=/")], b"")
        case "empty":
            return answer("200 OK", [], b"")
        case "error as JSON":
            return answer("200 OK", [("Content-Type", "application/json")], b'{"error":"db down"}')
        case "EUC-KR":
            body = '{"data":{"result":0,"message":"점검 중입니다"}}'.encode("euc-kr")
            return answer("200 OK", [("Content-Type", "application/json; charset=euc-kr")], body)
        case "slow":
            time.sleep(1.4)

    def disturbed(status, headers, exc_info=None):
        if way == "byte order mark":
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        if way == "session":
            headers = [*headers, ("Set-Cookie", "session=one-session-of-the-test; HttpOnly; Path=/")]
        if way == "compressed":
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
            headers.append(("Content-Encoding", "gzip"))
        return start(status, headers, exc_info)

    parts = inner(environ, disturbed)
    if way == "byte order mark":
        return [b"\xef\xbb\xbf", *parts]
    if way == "compressed":
        return [gzip.compress(b"".join(parts), mtime=0)]
    return parts
