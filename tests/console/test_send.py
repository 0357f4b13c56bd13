"""The Send page: sends samples of any kind to gatepost's own listener."""

import json
import unittest

from playwright.sync_api import expect

from harness import CONFIG, READ_TOKEN, App, ConsoleTest, Gatepost


class Send(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.log_in()

    def click(self, name, role="button"):
        self.page.get_by_role(role, name=name, exact=True).click()

    def open_sample(self, kind):
        self.click("Send", "link")
        self.click(kind, "link")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(kind)
        return self.page.get_by_label("Fields of the callback")

    def expect_title(self, text):
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def test_sends_signed_sample_and_shows_its_verdict(self):
        self.click("Send", "link")
        self.check_page("send")
        self.open_sample("push")
        self.check_page("sample")
        self.click("Send")
        self.expect_title("push #1 accepted")
        expect(self.page.get_by_role("status")).to_contain_text("Sample sent")
        self.check_page("sample-sent")
        self.assertEqual([path for path, *_ in App.seen], ["/live/push"])
        self.assertEqual(json.loads(App.seen[0][2])["app"], "push.example.com")
        # The list contains the sample's callback.
        self.click("Callbacks", "link")
        expect(self.page.locator("tbody tr")).to_have_count(1)

    def test_sends_edited_fields(self):
        fields = self.open_sample("push")
        fields.fill(fields.input_value().replace("push.example.com", "other.example.com"))
        self.click("Send")
        self.expect_title("unknown kind #1 refused")
        expect(self.page.locator(".steps .refused")).to_contain_text("other.example.com")
        fields = self.open_sample("interruption")
        sent = json.loads(fields.input_value())
        sent["stream_id"] = "<b> \u4e2d"
        fields.fill(json.dumps(sent))
        self.click("Send")
        self.expect_title("interruption #2 accepted")
        self.assertEqual(json.loads(App.seen[-1][2])["stream_id"], "<b> \u4e2d")

    def test_shows_fault_of_fields_and_keeps_their_text(self):
        self.open_sample("push").fill('{"app": <b>')
        self.click("Send")
        expect(self.page.locator("#fields-fault")).to_contain_text("line 1, column 9")
        expect(self.page.get_by_label("Fields of the callback")).to_have_value('{"app": <b>')
        self.problems.clear()  # The browser reports the status 422.
        self.check_page("sample-fault")

    def test_asks_app_about_viewer_without_showing_path_token(self):
        self.open_sample("live_play")
        self.assertNotIn("p4th-t0ken", self.page.content())
        self.click("Send")
        self.expect_title("live_play #1 accepted")
        self.assertNotIn("p4th-t0ken", self.page.content())
        self.assertEqual([path for path, *_ in App.seen], ["/play"])

    def test_read_token_sees_sample_and_sends_nothing(self):
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        page.get_by_role("link", name="Send").click()
        page.get_by_role("link", name="push", exact=True).click()
        self.assertEqual(page.get_by_role("button", name="Send").count(), 0)
        self.assertEqual(App.seen, [])


class WithoutJavaScript(Send):
    javascript = False


class Looks(ConsoleTest):
    def test_pages_fit_and_are_accessible_in_dark_colours_and_on_phone(self):
        self.log_in()
        self.check_looks("send", "send")
        self.page.goto(self.gatepost.console + "send")
        path = self.page.get_by_role("link", name="push", exact=True).get_attribute("href")
        self.check_looks("sample", path)


class WithoutCapture(ConsoleTest):
    def start_gatepost(self):
        return Gatepost(CONFIG + '\n[inspector]\ncapture = "none"\n')

    def test_shows_reply_without_captured_callback(self):
        self.log_in()
        self.page.get_by_role("link", name="Send").click()
        self.page.get_by_role("link", name="push", exact=True).click()
        self.page.get_by_role("button", name="Send").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("gatepost replied 200 OK")
        expect(self.page.get_by_role("main")).to_contain_text('"code": 0')
        self.check_page("sample-sent-without-capture")


if __name__ == "__main__":
    unittest.main()
