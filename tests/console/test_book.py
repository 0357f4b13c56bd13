"""The book of the manual on a phone. `proxy/packaging/book` builds the book."""

import functools
import http.server
import shutil
import threading
import unittest

from playwright.sync_api import sync_playwright

from harness import ROOT

BOOK = ROOT / "target/packaging/book/html"


class Pages(http.server.SimpleHTTPRequestHandler):
    """Serves the pages without a log."""

    def log_message(self, *_arguments):
        pass


@unittest.skipUnless((BOOK / "codes.html").exists(), "run proxy/packaging/book first")
class Book(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, directory=BOOK))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.address = f"http://127.0.0.1:{server.server_port}"
        playwright = sync_playwright().start()
        self.addCleanup(playwright.stop)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        self.addCleanup(browser.close)
        self.page = browser.new_page(viewport={"width": 390, "height": 800})

    def test_tables_fit_a_phone_and_keep_the_heads_of_their_columns(self):
        too_wide = """[...document.querySelectorAll(".content table")].map((table) => table.parentElement)
            .filter((around) => around.scrollWidth > around.clientWidth).map((around) => around.innerText.slice(0, 100))"""
        for name in ("codes", "config", "metrics", "log", "legacy", "figures", "tls"):
            self.page.goto(f"{self.address}/{name}.html")
            self.assertEqual(self.page.evaluate(too_wide), [], f"expected tables of {name} to fit, found wide ones")
        self.page.goto(f"{self.address}/codes.html")
        cell = self.page.locator("tr", has=self.page.get_by_text("route_not_found", exact=True)).locator("td").last
        self.assertEqual(cell.get_attribute("data-label"), "remedy")


if __name__ == "__main__":
    unittest.main()
