"""The Send page: sends samples of any kind to gatepost's own listener, and plays scenarios."""

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
        self.check_looks_here("sample-fault", is_refused=True)

    def test_asks_app_about_viewer_without_showing_path_token(self):
        self.open_sample("live_play")
        self.assertNotIn("p4th-t0ken", self.page.content())
        self.click("Send")
        self.expect_title("live_play #1 accepted")
        self.assertNotIn("p4th-t0ken", self.page.content())
        self.assertEqual([path for path, *_ in App.seen], ["/play"])

    def test_read_token_permits_reading_sample_but_not_sending(self):
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        page.get_by_role("link", name="Send", exact=True).click()
        page.get_by_role("link", name="push", exact=True).click()
        self.assertEqual(page.get_by_role("button", name="Send").count(), 0)
        self.assertEqual(App.seen, [])


class WithoutJavaScript(Send):
    javascript = False


class Scenario(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.log_in()

    def compose(self, template="studio"):
        self.page.get_by_role("link", name="Send", exact=True).click()
        self.page.get_by_role("link", name=f"Play a scenario of {template}").click()
        return self.page.get_by_label("Scenario", exact=True)

    def play(self):
        self.page.get_by_role("button", name="Play").click()

    def rows(self):
        return self.page.locator("tbody tr")

    def expect_state(self, state, sent):
        """Waits for a state. Without JavaScript, reloads the page, as an operator does."""
        # Only the page of a started scenario shows a state. Before this page appears, a reload fails.
        expect(self.page.locator("h1 .badge")).to_be_visible()
        if not self.javascript:
            def has_state():
                self.page.reload()
                shown = self.page.locator("h1 .badge, [data-progress]").all_inner_texts()
                return shown[0] == state and shown[1].startswith(f"{sent} of ")
            self.gatepost.wait_until(has_state)
        expect(self.page.locator("h1 .badge")).to_have_text(state)
        expect(self.page.get_by_text(f"{sent} of ")).to_be_visible()

    def test_plays_two_streams_from_push_to_interruption(self):
        text = self.compose().input_value()
        self.assertIn('kind = "push"', text)
        self.check_page("scenario")
        self.play()
        self.expect_state("ended", 8)
        expect(self.rows()).to_have_count(8)
        for row, parts in ((0, "0:00:00 first push 200 #1"), (2, "0:30:00 first recording_file 200 #3"),
                           (7, "1:15:00 second interruption 200 #8")):
            for part in parts.split():
                expect(self.rows().nth(row)).to_contain_text(part)
        self.check_page("scenario-ended")
        # The template has addresses for two of the kinds.
        paths = [path for path, *_ in App.seen]
        self.assertEqual(sorted(paths), ["/live/interruption"] * 2 + ["/live/push"] * 2)
        pushes = [json.loads(body) for path, _, body in App.seen if path == "/live/push"]
        self.assertEqual([push["stream_id"] for push in pushes], ["first", "second"])
        self.assertEqual(pushes[1]["event_time"] - pushes[0]["event_time"], 600)
        self.page.get_by_role("link", name="#8").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("interruption #8 accepted")

    def test_shows_fault_and_keeps_text(self):
        self.compose().fill("[[stream]]\nname = 's'\n[[stream.step]]\nkind = 'pusch'\n")
        self.play()
        expect(self.page.locator("#scenario-fault")).to_contain_text("found pusch")
        expect(self.page.get_by_label("Scenario", exact=True)).to_have_value(
            "[[stream]]\nname = 's'\n[[stream.step]]\nkind = 'pusch'\n")
        self.page.get_by_label("Scenario", exact=True).fill("[[stream]]\nname = <b>\n")
        self.play()
        expect(self.page.locator("#scenario-fault")).to_contain_text("line 2: ")
        self.check_looks_here("scenario-fault", is_refused=True)
        self.assertEqual(App.seen, [])

    def test_stops_scenario_between_two_callbacks(self):
        field = self.compose()
        field.fill(field.input_value().replace("10m", "9h"))
        self.page.get_by_label("Speed").select_option("in real time")
        self.play()
        self.expect_state("playing", 1)
        self.check_looks_here("scenario-playing")
        # The scenario continues without the page. While it runs, gatepost starts no other scenario.
        self.compose("viewers")
        self.play()
        expect(self.page.get_by_role("alert")).to_contain_text("Not started")
        self.check_looks_here("scenario-busy", is_refused=True)
        self.page.get_by_role("link", name="another scenario").click()
        self.page.get_by_role("button", name="Stop").click()
        self.expect_state("stopped", 1)
        self.check_looks_here("scenario-stopped")
        expect(self.page.get_by_role("button", name="Stop")).to_have_count(0)
        self.assertEqual(len(App.seen), 1)

    def test_read_token_permits_reading_scenario_but_not_playing(self):
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        page.get_by_role("link", name="Send", exact=True).click()
        page.get_by_role("link", name="Play a scenario of studio").click()
        expect(page.get_by_label("Scenario", exact=True)).to_have_attribute("readonly", "")
        self.assertEqual(page.get_by_role("button", name="Play").count(), 0)


class ScenarioWithoutJavaScript(Scenario):
    javascript = False


class Looks(ConsoleTest):
    def test_pages_fit_and_are_accessible_in_dark_colours_and_on_phone(self):
        self.log_in()
        self.check_looks("send", "send")
        self.page.goto(self.gatepost.console + "send")
        path = self.page.get_by_role("link", name="push", exact=True).get_attribute("href")
        scenario = self.page.get_by_role("link", name="Play a scenario of studio").get_attribute("href")
        self.check_looks("sample", path)
        self.check_looks("scenario", scenario)
        self.page.goto(self.gatepost.console + scenario)
        self.page.get_by_role("button", name="Play").click()
        expect(self.page.locator("h1 .badge")).to_have_text("ended")
        self.check_looks("scenario-run", "scenario/run")


class WithoutCapture(ConsoleTest):
    def start_gatepost(self):
        return Gatepost(CONFIG + '\n[inspector]\ncapture = "none"\n')

    def test_shows_reply_without_captured_callback(self):
        self.log_in()
        self.page.get_by_role("link", name="Send", exact=True).click()
        self.page.get_by_role("link", name="push", exact=True).click()
        self.page.get_by_role("button", name="Send").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("gatepost replied 200 OK")
        expect(self.page.get_by_role("main")).to_contain_text('"code": 0')
        self.check_page("sample-sent-without-capture")


if __name__ == "__main__":
    unittest.main()
