"""The Status page."""

import subprocess
import unittest

from playwright.sync_api import expect

import harness
from harness import ConsoleTest, Gatepost

# A config with a certificate, a template whose circuit opens after one failure of the app, and a template
# without a binding, about which gatepost warns.
FAULTY = harness.CONFIG.replace("\n[[route]]", """
listen_tls = ["127.0.0.1:0"]
breaker = {{ failures = 1, retry_ms = 600000 }}

[[certificate]]
chain = "chain.pem"
key = {{ file = "key.pem" }}

[[route]]""", 1) + """
[[template]]
name = "down"
provider = "tencent-css"
keys = [{{ env = "TENCENT_KEY" }}]
bind = ["down.example.com"]
[template.on]
push = "http://127.0.0.1:9/down"

[[template]]
name = "spare"
provider = "tencent-css"
keys = [{{ env = "TENCENT_KEY" }}]
[template.on]
push = "http://127.0.0.1:9/spare"
"""


def certify(folder):
    """Writes a certificate and its key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=gate.example.com", "-addext", "subjectAltName=DNS:gate.example.com", "-days", "5",
         "-keyout", "key.pem", "-out", "chain.pem"], cwd=folder, check=True, capture_output=True)


class Status(ConsoleTest):
    def test_shows_state_of_gatepost_without_secrets(self):
        self.gatepost.push()
        self.gatepost.file.write_text(self.gatepost.file.read_text() + harness.UNBOUND)
        self.gatepost.reload()
        self.log_in()
        self.page.get_by_role("link", name="Status").click()
        self.check_page("status")
        main = self.page.get_by_role("main")
        for text in (str(self.gatepost.file), "success", "/callbacks/kollus/{token}", "/live/push",
                     "max_connections", "2, since", "no template is bound", "rustls", "Longest body"):
            expect(main).to_contain_text(text)
        times = self.page.get_by_role("table", name="Answers by address")
        expect(times.get_by_role("rowheader")).to_contain_text("/live/push")
        self.assertNotIn("p4th-t0ken", self.page.content())
        self.page.get_by_role("link", name="studio").first.click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("studio")

    def test_shows_faults_of_failed_reload(self):
        good = self.gatepost.file.read_text()
        self.gatepost.file.write_text(good.replace('provider = "kollus"', 'provider = "nobody"', 1))
        self.gatepost.reload(result="failure")
        self.log_in()
        self.page.goto(self.gatepost.console + "status")
        alert = self.page.get_by_role("alert")
        expect(alert).to_contain_text("The last reload failed")
        expect(alert).to_contain_text("nobody")
        self.check_looks("status-failed", "status")
        self.gatepost.file.write_text(good)
        self.gatepost.reload()
        self.page.reload()
        self.assertEqual(alert.count(), 0)

    def test_page_fits_and_is_accessible_in_dark_colours_and_on_phone(self):
        self.log_in()
        self.check_looks("status", "status")


class FaultyApp(ConsoleTest):
    def start_gatepost(self):
        return Gatepost(FAULTY, prepare=certify)

    def test_shows_open_circuit_certificate_and_warning(self):
        self.gatepost.push(app="down.example.com")
        self.log_in()
        self.page.goto(self.gatepost.console + "status")
        apps = self.page.get_by_role("table", name="Apps")
        expect(apps.get_by_text("circuit open")).to_be_visible()
        certificate = self.page.get_by_role("table", name="Certificates")
        expect(certificate).to_contain_text("gate.example.com")
        expect(certificate.locator(".badge.warn")).to_have_text("in 4 days")
        # The app has not answered.
        answers = self.page.get_by_role("table", name="Answers to the captured callbacks")
        expect(answers.locator("tbody tr")).to_have_count(0)
        warnings = self.page.locator("section", has=self.page.get_by_role("heading", name="Warnings"))
        expect(warnings).to_contain_text("expected a tenant that this template binds")
        expect(warnings).to_contain_text("renew the certificate")
        self.assertNotIn("`", warnings.inner_text())
        self.check_looks("status-faulty", "status")

    def test_callback_without_answer_is_a_warning(self):
        for stream in ("first", "second"):
            self.gatepost.push(app="down.example.com", stream=stream)
        self.log_in()
        expect(self.page.locator("tbody .badge.warn")).to_have_count(2)
        # The second row arrives while the page is open.
        self.gatepost.push(app="down.example.com", stream="third")
        expect(self.page.locator("tbody .badge.warn")).to_have_count(3)
        for number, words, title in (
                (1, "accepted, but gatepost cannot reach the app: replied 503", "Event to the app"),
                (2, "accepted, but the app's circuit is open: replied 503", "Event for the app (not sent)")):
            self.page.goto(f"{self.gatepost.console}callbacks/{number}")
            expect(self.page.locator(".verdict.warn")).to_contain_text(words)
            expect(self.page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        self.check_looks("callback-circuit-open", "callbacks/2")


if __name__ == "__main__":
    unittest.main()
