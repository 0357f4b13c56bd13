"""Faults, long and foreign text, full and empty lists, and the read-only token on each page.
`check_looks` checks each of these states in light and dark colours, at the widths of a desktop and of a
phone."""

import hashlib
import http.client
import json
import time
import unittest
import urllib.parse

from playwright.sync_api import expect

from harness import CONFIG, KEY, QUEUED, READ_TOKEN, UNBOUND, ConsoleTest, Gatepost

MARKUP = "<script>alert(1)</script>"
ARABIC = "\u0628\u062b_\u0645\u0628\u0627\u0634\u0631"
CHINESE = "\u76f4\u64ad\u95f4"
LONG_DOMAIN = ".".join(["a-long-label-of-a-push-domain"] * 6) + ".example.com"
LONG_NAME = CHINESE + "-template_with_30_chars_abc"
LONG_WORD = "w" * 200

# A template with the longest name, description, domain and address, a template that binds every other
# channel, and a template without a binding, whose key is public and cannot sign samples.
WIDE = 'upstream = "http://127.0.0.1:{app}"\n' + CONFIG + f"""
[[route]]
path = "/callbacks/discord"
provider = "discord"
template = "chat"
mode = "shadow"

[[template]]
name = "{LONG_NAME}"
description = "{CHINESE}_{"d" * 90}"
provider = "tencent-css"
keys = [{{{{ env = "TENCENT_KEY" }}}}]
bind = ["{LONG_DOMAIN}", "vip.example.com/{"a" * 60}"]
[template.on]
push = "http://127.0.0.1:{{app}}/{LONG_WORD}"

[[template]]
name = "others"
provider = "kollus"
bind = ["*"]
[template.settings]
security_key = {{{{ env = "TENCENT_KEY" }}}}
custom_key = "custom"
[template.on]
live_play = "http://127.0.0.1:{{app}}/play"

[[template]]
name = "chat"
provider = "discord"
keys = ["{"ab" * 32}"]
[template.on]
event = "http://127.0.0.1:{{app}}/chat"
"""

# Routes without a template.
EMPTY = CONFIG[:CONFIG.index("# The studio's own domain.")] + UNBOUND


class States(ConsoleTest):
    """Base class of the tests in this file."""

    config = CONFIG

    def start_gatepost(self):
        return Gatepost(self.config)

    def open(self, path, page=None):
        (page or self.page).goto(self.gatepost.console + path)

    def click(self, name, role="button"):
        self.page.get_by_role(role, name=name, exact=True).click()

    def read_only_page(self):
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        return page

    def wait_for_callback(self, number=1):
        self.page.get_by_role("link", name=f"#{number}", exact=True).wait_for()


class Login(States):
    def test_login_after_too_many_wrong_tokens(self):
        self.open("login")
        for _ in range(20):
            self.page.get_by_label("Token").fill("guess")
            self.click("Log in")
            if "Too many wrong tokens" in self.page.get_by_role("alert").inner_text():
                break
        self.check_looks_here("login-too-many", is_refused=True)


class Callbacks(States):
    def setUp(self):
        super().setUp()
        self.log_in()

    def test_list_of_500_callbacks_and_its_menu(self):
        client = http.client.HTTPConnection("127.0.0.1", self.gatepost.listen)
        for number in range(500):
            client.request("POST", "/callbacks/tencent", body=b"{}")
            client.getresponse().read()
        client.close()
        # Callbacks with the longest kinds and with numbers of three digits.
        for number, (kind, name) in enumerate((("recording_file", "app"), ("recording_exception", "domain")), 501):
            self.gatepost.send(f"tencent-css.{kind}", f"{name}=push.example.com")
            self.wait_for_callback(number)
        self.check_looks_here("callbacks-500")
        self.page.get_by_text("Filters", exact=True).click()
        self.check_looks_here("callbacks-menu")
        self.open("?tenant=none.example.com&text=%3Cb%3E")
        expect(self.page.get_by_text("No callback matches the filter.")).to_be_visible()
        self.check_looks_here("callbacks-no-match")

    def test_list_that_waits_is_offline_or_has_lost_its_session(self):
        expect(self.page.get_by_text("Live", exact=True)).to_be_visible()
        self.gatepost.push()
        self.wait_for_callback()
        self.page.get_by_label("Follow").uncheck()
        self.gatepost.push()
        self.page.get_by_role("button", name="Show 1 new").wait_for()
        self.check_looks_here("callbacks-waiting")
        self.page.context.set_offline(True)
        self.gatepost.push()
        expect(self.page.get_by_text("Not connected")).to_be_visible()
        self.check_looks_here("callbacks-not-connected", is_refused=True)
        self.page.context.set_offline(False)
        self.page.context.clear_cookies()
        expect(self.page.get_by_text("Session ended")).to_be_visible()
        self.check_looks_here("callbacks-session-ended", is_refused=True)

    def test_callback_with_decision_earlier_config_cut_body_and_faults(self):
        self.gatepost.play()
        self.gatepost.push()
        self.wait_for_callback(2)
        self.check_looks("callback-decision", "callbacks/1")
        self.check_looks("callback-sent", "callbacks/2?done=sent")
        self.gatepost.push(key="wrong")
        self.check_looks("callback-refused", "callbacks/3")
        client = http.client.HTTPConnection("127.0.0.1", self.gatepost.listen)
        client.request("POST", "/callbacks/tencent", body=json.dumps({"x": "y" * 200_000}))
        client.getresponse().read()
        client.close()
        self.check_looks("callback-cut", "callbacks/4")
        self.open("callbacks/2")
        self.page.get_by_label("Body of the event").fill("{")
        self.click("Send edited")
        self.check_looks_here("replay-edited")
        self.gatepost.file.write_text(self.gatepost.file.read_text().replace("/live/push", "/next/push"))
        self.gatepost.reload(generation=2)
        self.check_looks("callback-earlier", "callbacks/2")
        # Posts the form for callback 4. Its page has no form, because gatepost refused this callback.
        self.open("callbacks/2")
        self.page.evaluate("document.querySelector('#again form').action = '4/replay'")
        self.click("Send unchanged")
        expect(self.page.get_by_role("alert")).to_contain_text("found a refused one")
        self.check_looks_here("replay-refused", is_refused=True)
        self.gatepost.app.shutdown()
        self.gatepost.app.server_close()
        self.open("callbacks/2")
        self.click("Send unchanged")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Sent again failed")
        self.check_looks_here("replay-app-down")

    def test_notices(self):
        self.check_looks("notice-no-callback", "callbacks/99", 404)
        self.check_looks("notice-no-page", "no-such-page", 404)
        self.check_looks("notice-filter", "?verdict=maybe", 400)
        self.gatepost.push()
        self.open("callbacks/1")
        self.page.get_by_label("Body of the event").fill("x" * 600_000)
        self.click("Send edited")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Unusable form")
        self.check_looks_here("notice-form", is_refused=True)


class WithoutCapture(States):
    config = CONFIG + '\n[inspector]\ncapture = "none"\n'

    def test_pages_without_captured_callbacks(self):
        self.log_in()
        expect(self.page.get_by_text("Live", exact=True)).to_be_hidden()
        expect(self.page.get_by_text("No callbacks yet")).to_have_count(0)
        self.check_looks("callbacks-off", "")
        self.open("send")
        self.click("push", "link")
        self.click("Send")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("gatepost replied 200 OK")
        self.check_looks_here("sent-without-capture")


class Wide(States):
    config = WIDE

    def test_long_foreign_and_marked_up_text_on_each_page(self):
        self.log_in()
        self.gatepost.push(app=LONG_DOMAIN, stream=LONG_WORD)
        self.gatepost.push(stream=f"{MARKUP} {ARABIC} {CHINESE}")
        self.gatepost.push(app=MARKUP)
        self.gatepost.push(app=ARABIC, stream=ARABIC)
        self.gatepost.play(channel=f"{MARKUP}{LONG_WORD}")
        self.wait_for_callback(5)
        self.check_looks("wide-callbacks", "")
        for number in range(1, 6):
            self.check_looks(f"wide-callback-{number}", f"callbacks/{number}")
        self.check_looks("wide-filter", "?" + urllib.parse.urlencode(
            {"text": LONG_WORD, "tenant": MARKUP, "kind": ARABIC}))
        name = urllib.parse.quote(LONG_NAME)
        for path in ("templates", f"templates/{name}", f"templates/{name}/bind?done=created",
                     f"templates/{name}/delete", f"templates/{name}/unbind?tenant={LONG_DOMAIN}",
                     f"templates/{name}/unbind?tenant={MARKUP}", "templates/others", "templates/chat",
                     "templates/chat/delete", "domains?done=bound", "send", "status"):
            page = path.replace(name, "long").split("?")[0].replace("/", "-")
            self.check_looks(f"wide-{page}-markup" if MARKUP in path else f"wide-{page}", path)
        self.open("templates/others/unbind?tenant=*")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Unbind * from others?")
        expect(self.page.get_by_role("main")).to_contain_text("each domain and channel that no template binds")
        self.open("send")
        for target in (f"Play a scenario of {LONG_NAME} on /callbacks/tencent", "event"):
            href = self.page.get_by_role("link", name=target, exact=True).first.get_attribute("href")
            self.check_looks("wide-scenario" if "scenario" in target else "sample-without-key", href)


class Empty(States):
    config = EMPTY

    def test_pages_of_config_without_templates(self):
        self.log_in()
        for path in ("templates?done=deleted", "domains", "send", "status"):
            self.check_looks(f"empty-{path.split('?')[0]}", path)


class Templates(States):
    def setUp(self):
        super().setUp()
        self.log_in()

    def fill(self, label, value):
        self.page.get_by_label(label, exact=True).fill(value)

    def check_refused(self, name):
        # The browser reports the status before it shows the refused form.
        expect(self.page.get_by_role("alert").first).to_be_visible()
        self.check_looks_here(name, is_refused=True)

    def edit_by_hand(self, old, new):
        self.gatepost.file.write_text(self.gatepost.file.read_text().replace(old, new))

    def test_form_after_saving_and_after_changes_of_others(self):
        for word in ("saved", "unchanged", "unbound"):
            self.check_looks(f"template-{word}", f"templates/studio?done={word}")
        self.open("templates/studio")
        self.fill("Description", "Mine")
        self.edit_by_hand("Push_and_recordings", "Of_the_other")
        self.click("Save")
        expect(self.page.get_by_role("alert")).to_contain_text("SIGHUP")
        self.check_looks_here("template-edited-by-hand", is_refused=True)
        self.gatepost.reload(generation=2)
        self.click("Save")
        expect(self.page.get_by_role("alert")).to_contain_text("This template has changed")
        self.check_looks_here("template-conflict", is_refused=True)

    def test_forms_with_faults(self):
        self.open("new-template?provider=tencent-css")
        for label, value in (("Name", "n" * 31), ("Description", "d" * 101), ("push", f"ftp://{LONG_WORD}/<b>"),
                             ("New key, name", "NO_SUCH_VARIABLE")):
            self.fill(label, value)
        self.click("Create")
        self.check_refused("new-template-faults")
        self.open("templates/studio/bind")
        self.fill("Domain or channel 1", MARKUP)
        self.click("Add another")
        self.fill("Domain or channel 2", LONG_WORD)
        self.click("Bind")
        self.check_refused("bind-faults")
        self.open("domains")
        self.fill("Domain or channel", MARKUP)
        self.click("Bind")
        self.check_refused("domains-faults")

    def test_confirmations_after_change_of_config(self):
        for name, path in (("bind", "templates/studio/bind"), ("domains", "domains"),
                           ("unbind", "templates/studio/unbind?tenant=push.example.com")):
            self.open(path)
            self.edit_by_hand("/live/push", "/live/push/next")
            self.gatepost.reload()
            self.gatepost.wait_until(lambda: self.is_loaded())
            self.page.locator("main form button").first.click()
            expect(self.page.get_by_role("alert")).to_contain_text("has changed")
            self.check_refused(f"{name}-conflict")

    def is_loaded(self):
        """Returns true if gatepost has loaded the last edit."""
        page = self.looking
        page.context.add_cookies(self.page.context.cookies())
        self.open("templates/studio", page)
        return page.get_by_label("push", exact=True).input_value() in self.gatepost.file.read_text()


class ReadOnly(States):
    config = QUEUED

    def test_pages_of_operator_who_may_only_read(self):
        self.gatepost.push()
        self.gatepost.push(app="taken.example.com")
        page = self.page = self.read_only_page()
        self.wait_for_callback(2)
        page.get_by_role("link", name="Send", exact=True).click()
        sample = page.get_by_role("link", name="push", exact=True).first.get_attribute("href")
        scenario = page.get_by_role("link", name="Play a scenario").first.get_attribute("href")
        for name, path in (("callbacks", ""), ("callback", "callbacks/1"), ("templates", "templates"),
                           ("template", "templates/studio"), ("domains", "domains"), ("queue", "queue?state=delivered"),
                           ("event", "queue/1"), ("sample", sample), ("scenario", scenario)):
            self.check_looks(f"read-only-{name}", path)
        self.check_looks("read-only-notice", "new-template", 403)


class Queue(States):
    config = QUEUED

    def setUp(self):
        super().setUp()
        self.log_in()

    def expect_rows(self, path, count):
        """Loads a page until it has this number of rows."""
        def has_count():
            self.open(path)
            return self.page.locator("tbody tr").count() == count
        self.gatepost.wait_until(has_count)

    def test_lists_of_each_state_and_their_changes(self):
        self.check_looks("queue-empty", "queue")
        self.gatepost.push(app="taken.example.com", stream=f"{MARKUP} {ARABIC}")
        self.gatepost.push(app="down.example.com", stream=LONG_WORD)
        self.gatepost.push(app="dead.example.com", stream=CHINESE)
        for number, condition in enumerate(("state=delivered", "failing=true", "state=dead"), 1):
            self.expect_rows(f"queue?{condition}", 1)
            state = condition.replace("=true", "").replace("state=", "")
            self.check_looks(f"queue-{state}", f"queue?{condition}")
            self.check_looks(f"event-{state}", f"queue/{number}")
        self.open("queue")
        self.page.get_by_text("Filters", exact=True).click()
        self.check_looks_here("queue-menu")
        self.check_looks("queue-replayed", "queue?state=dead&replayed=1&of=2")
        self.check_looks("queue-dropped", "queue?subject=none&dropped=1&of=1")
        self.check_looks("queue-replay", "queue/replay?number=3")
        self.check_looks("queue-replay-none", "queue/replay?number=2")
        expect(self.looking.get_by_role("heading", level=1)).to_have_text("No event to deliver again")
        self.check_looks("queue-no-event", "queue/99", 404)
        self.check_looks("queue-filter", "queue?state=none", 400)

    def test_pages_of_long_queue(self):
        for number in range(201):
            body = json.dumps(self.signed_push(number))
            client = http.client.HTTPConnection("127.0.0.1", self.gatepost.listen)
            client.request("POST", "/callbacks/tencent", body=body)
            self.assertEqual(client.getresponse().status, 200)
            client.close()
        self.expect_rows("queue?state=dead", 200)
        self.check_looks("queue-200", "queue?state=dead")
        self.click("Next page", "link")
        self.check_looks_here("queue-next")

    def test_store_that_fails(self):
        self.gatepost.push(app="dead.example.com")
        self.expect_rows("queue?state=dead", 1)
        for name in ("gatepost.db", "gatepost.db-wal", "gatepost.db-shm"):
            (self.gatepost.folder / name).write_bytes(b"\xff" * 65_536)
        self.open("queue")
        expect(self.page.get_by_role("alert")).to_contain_text("cannot use the store")
        self.check_looks_here("store-failed", is_refused=True)

    @staticmethod
    def signed_push(number):
        """Returns the fields of a signed push callback for the template `dead`."""
        until = int(time.time()) + 600
        return {
            "app": "dead.example.com", "appid": 1, "appname": "live", "event_time": 1703731478 + number,
            "event_type": 1, "sequence": str(number), "stream_id": f"stream{number}", "t": until,
            "sign": hashlib.md5(f"{KEY}{until}".encode()).hexdigest()}


class WithoutStore(States):
    def test_queue_without_store(self):
        self.log_in()
        self.check_looks("queue-without-store", "queue")


if __name__ == "__main__":
    unittest.main()
