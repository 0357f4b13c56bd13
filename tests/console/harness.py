"""A running gatepost with an app behind it, and a browser for the console of gatepost."""

import contextlib
import functools
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("GATEPOST", str(ROOT / "target/debug/gatepost"))
SHOTS = ROOT / "target/console/screenshots"
TOKEN = "c0nsole-t0ken"
READ_TOKEN = "r3ad-t0ken"
KEY = "s1gning-k3y"
PATIENCE_MS = 20_000

# Without this setting, `expect` waits for at most 5 s, but a busy machine may need longer.
expect.set_options(timeout=PATIENCE_MS)

CONFIG = """\
listen = ["127.0.0.1:{listen}"]
admin = "127.0.0.1:{admin}"
admin_token = {{ env = "CONSOLE_TOKEN" }}
admin_read_token = {{ env = "CONSOLE_READ_TOKEN" }}
allow_addresses = ["127.0.0.0/8"]

[[route]]
path = "/callbacks/tencent"
provider = "tencent-css"

[[route]]
path = "/callbacks/kollus/{{token}}"
provider = "kollus"
token = {{ env = "KOLLUS_PATH" }}

# The studio's own domain.
[[template]]
name = "studio"
description = "Push_and_recordings_of_the_studio"
provider = "tencent-css"
keys = [{{ env = "TENCENT_KEY" }}]
bind = ["push.example.com"]
[template.on]
push = "http://127.0.0.1:{app}/live/push"
interruption = "http://127.0.0.1:{app}/live/interruption"

[[template]]
name = "viewers"
provider = "kollus"
bind = ["channel1", "channel2"]
[template.settings]
security_key = {{ env = "TENCENT_KEY" }}
custom_key = "custom"
[template.on]
live_play = "http://127.0.0.1:{app}/play"
"""

# A store, and three templates with queued delivery. An app listens at the address of the first template.
# No app listens at the addresses of the other two: gatepost keeps sending the events of the second
# template again, and gives up the events of the third template after 1 s.
QUEUED = CONFIG + """
[store]
url = "sqlite:gatepost.db"

[[template]]
name = "queued"
provider = "tencent-css"
keys = [{{ env = "TENCENT_KEY" }}]
bind = ["taken.example.com"]
[template.on]
push = {{ url = "http://127.0.0.1:{app}/queued", deliver = "queued" }}

[[template]]
name = "down"
provider = "tencent-css"
keys = [{{ env = "TENCENT_KEY" }}]
bind = ["down.example.com"]
[template.on]
push = {{ url = "http://127.0.0.1:9/down", deliver = "queued", retry = {{ first_ms = 10 }} }}

[[template]]
name = "dead"
provider = "tencent-css"
keys = [{{ env = "TENCENT_KEY" }}]
bind = ["dead.example.com"]
[template.on]
push = {{ url = "http://127.0.0.1:9/dead", deliver = "queued", retry = {{ first_ms = 10, give_up_after_secs = 1 }} }}
"""

# A route whose provider has no template.
UNBOUND = """
[[route]]
path = "/callbacks/mux"
provider = "mux"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class App(http.server.BaseHTTPRequestHandler):
    """App that accepts every event and allows every play."""

    seen = []
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        type(self).seen.append((self.path, dict(self.headers), body))
        answer = b'{"allow": true}' if self.path == "/play" else b"{}"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Gatepost:
    """A gatepost process with its own config, and the app behind it."""

    def __init__(self, config=CONFIG, prepare=lambda folder: None, **environment):
        App.seen = []
        self.app = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
        threading.Thread(target=self.app.serve_forever, args=[0.01], daemon=True).start()
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.listen, self.admin = free_port(), free_port()
        self.console = f"http://127.0.0.1:{self.admin}/console/"
        self.file = self.folder / "gatepost.toml"
        self.file.write_text(config.format(
            listen=self.listen, admin=self.admin, app=self.app_port))
        prepare(self.folder)
        self.environment = os.environ | {
            "CONSOLE_TOKEN": TOKEN, "CONSOLE_READ_TOKEN": READ_TOKEN,
            "TENCENT_KEY": KEY, "KOLLUS_PATH": "p4th-t0ken"} | environment
        self.log = open(self.folder / "log", "w+")
        self.process = subprocess.Popen(
            [PROGRAM, "run", "-c", str(self.file)], env=self.environment, stderr=self.log)
        self.wait_until(lambda: self.get("/readyz").status == 200)

    @property
    def app_port(self):
        return self.app.server_address[1]

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.admin, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def session(self, token):
        """Returns the cookie of a new session."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        origin = f"http://127.0.0.1:{self.admin}"
        connection.request("POST", "/console/login", f"token={token}", {"origin": origin})
        name, value = connection.getresponse().headers["set-cookie"].split(";")[0].split("=")
        connection.close()
        return {"name": name, "value": value, "url": self.console}

    @staticmethod
    def wait_until(holds, patience=PATIENCE_MS / 1000):
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if holds():
                    return
            time.sleep(0.02)
        raise TimeoutError(f"expected the condition to hold within {patience:.0f} s, found it false")

    def send(self, kind, *fields, key=KEY, path="/callbacks/tencent"):
        """Sends a sample callback of a kind to gatepost."""
        arguments = [PROGRAM, "send", kind, *fields, "--to", f"http://127.0.0.1:{self.listen}{path}"]
        if key:
            arguments += ["--key", key]
        return subprocess.run(arguments, capture_output=True, text=True)

    def push(self, app="push.example.com", key=KEY, stream="stream1"):
        return self.send("tencent-css.push", f"app={app}", f"stream_id={stream}", key=key)

    def play(self, channel="channel1"):
        return self.send("kollus.live_play", f"channel_key={channel}", key=None,
                         path="/callbacks/kollus/p4th-t0ken")

    @property
    def seen(self):
        """Path, headers and body of each event that the app has received."""
        return App.seen

    def give_dead_domain_an_app(self):
        text = self.file.read_text()
        address = f"http://127.0.0.1:{self.app_port}/revived"
        self.file.write_text(text.replace("http://127.0.0.1:9/dead", address))
        self.reload()

    def reload(self, generation=None, result="success"):
        self.process.send_signal(signal.SIGHUP)
        words = [f'"last_reload":"{result}"'] + [f'"generation":{generation},'] * bool(generation)
        self.wait_until(lambda: all(word.encode() in self.get("/readyz").body for word in words))

    def stop(self):
        # Do not wait for a graceful stop, which proxy/tests/it/stop.rs tests.
        self.process.kill()
        self.process.wait()
        self.app.shutdown()
        self.app.server_close()
        self.log.close()
        shutil.rmtree(self.folder)


@functools.cache
def browser():
    """Starts a browser that all tests of a file share."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise RuntimeError("expected Chromium, found none; run tests/require chromium")
    playwright = sync_playwright().start()
    started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

    def close():
        started.close()
        playwright.stop()
        browser.cache_clear()

    unittest.addModuleCleanup(close)
    return started


class ConsoleTest(unittest.TestCase):
    """Base class of the tests. Each test has a gatepost process and a page of the browser."""

    javascript = True
    viewport = {"width": 1280, "height": 800}
    color_scheme = "light"

    @classmethod
    def setUpClass(cls):
        cls.browser = browser()

    def setUp(self):
        self.gatepost = self.start_gatepost()
        self.addCleanup(self.gatepost.stop)
        self.problems = []
        self.page = self.open_page()

    def start_gatepost(self):
        return Gatepost()

    def open_page(self, **options):
        options = {"java_script_enabled": self.javascript, "viewport": self.viewport,
                   "color_scheme": self.color_scheme} | options
        context = self.browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        self.addCleanup(context.close)
        page = context.new_page()
        page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        return page

    def log_in(self, token=TOKEN, page=None):
        """Logs in without the form, and opens the Callbacks page. `log_in_by_form` tests the form."""
        page = page or self.page
        page.context.add_cookies([self.gatepost.session(token)])
        page.goto(self.gatepost.console)
        page.get_by_role("heading", name="Callbacks").wait_for()

    def log_in_by_form(self):
        self.page.goto(self.gatepost.console)
        self.page.get_by_label("Token").fill(TOKEN)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Callbacks").wait_for()

    @functools.cached_property
    def looking(self):
        """A second page of the browser, for `check_looks`."""
        return self.open_page()

    def check_looks(self, name, path, status=200):
        """Opens a page, and checks it in light and dark colours, at the widths of a desktop, of a
        tablet and of a phone."""
        self.looking.context.add_cookies(self.page.context.cookies())
        self.assertEqual(self.looking.goto(self.gatepost.console + path).status, status)
        self.check_looks_here(name, self.looking, is_refused=status != 200)

    def check_looks_here(self, name, page=None, is_refused=False):
        """Checks the current page as `check_looks` does. `is_refused` is true if the status of the
        page is not 200."""
        page = page or self.page
        if not self.javascript:
            return self.check_page(f"{name}-without-javascript", page, is_refused=is_refused)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width, device in ((1280, "desktop"), (800, "tablet"), (390, "phone")):
                page.set_viewport_size({"width": width, "height": 800})
                # Two runs of axe are enough, because colours and sizes do not depend on each other.
                self.check_page(f"{name}-{device}-{scheme}", page, axe=(scheme, device) in (
                    ("light", "phone"), ("dark", "desktop")), is_refused=is_refused)
        page.emulate_media(color_scheme=self.color_scheme)
        page.set_viewport_size(self.viewport)

    def check_page(self, name, page=None, axe=True, is_refused=False):
        """Takes a screenshot. Fails if the browser has reported an error. With JavaScript, also fails if
        the page or a list is too wide, if a part of an open menu is outside of the window, or if axe
        reports a violation. `is_refused` is as for `check_looks_here`."""
        page = page or self.page
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
        overflow = """[document.documentElement, ...document.querySelectorAll(".list")]
            .filter((element) => element.scrollWidth > element.clientWidth).map((element) => element.innerText.slice(0, 200))"""
        outside = """[...document.querySelectorAll("details[open] > .panel")].map((panel) => panel.getBoundingClientRect())
            .filter(({ left, right }) => left < 0 || right > document.documentElement.clientWidth)"""
        if self.javascript:
            self.assertEqual(page.evaluate(overflow), [], f"expected {name} to fit the window, found elements that are too wide")
            self.assertEqual(page.evaluate(outside), [], f"expected the menu of {name} in the window, found a part outside")
        if self.javascript and axe:
            found = Axe().run(page)
            self.assertEqual(found.violations_count, 0, f"expected {name} without violations, found {found.generate_report()}")
        if is_refused:
            # The browser reports each response without the status 200, also those of polls during this check.
            self.problems[:] = [problem for problem in self.problems if "Failed to load resource" not in problem]
        self.assertEqual(self.problems, [])
