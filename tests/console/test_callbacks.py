"""The Callbacks page and the page of one callback: live list, filters, keyboard, sending again."""

import http.client
import json
import unittest

from playwright.sync_api import expect

import harness
from harness import App, ConsoleTest

# The script simulates the clock and the feed for a day: a response every 25 s, which is the longest that
# the page waits. Each response contains one callback. `openUntil` sets the number of requests that the
# page may send.
DAY = """(() => {
  const task = new MessageChannel(), tasks = [];
  task.port1.onmessage = () => tasks.shift()();
  let asked = 0, goal = 0, id = 0, proceed = () => {};
  // Between two tasks, the browser may draw the list. To save this time, most pauses end in the same task.
  window.setTimeout = (run) => {
    if (asked % 50) return queueMicrotask(run);
    tasks.push(run);
    task.port2.postMessage(0);
  };
  window.openUntil = (count) => { goal = count; proceed(); };
  window.isOpenUntilGoal = () => asked === goal;
  window.fetch = async () => {
    while (asked >= goal) await new Promise((done) => (proceed = done));
    asked += 1;
    const callbacks = [{
      id: ++id, at: "2026-11-29T01:02:03.456Z", verdict: "accepted", kind: "push", code: "app",
      provider: "tencent-css", tenant: "push.example.com", status: 200, elapsed_ms: 1 }];
    return new Response(JSON.stringify({ callbacks, last: id, missed: 0 }));
  };
})();"""


class Callbacks(ConsoleTest):
    def rows(self):
        return self.page.locator("tbody tr")

    def test_shows_each_callback_as_it_arrives(self):
        self.log_in_by_form()
        expect(self.page.get_by_text("No callbacks yet")).to_be_visible()
        self.check_page("callbacks-empty")
        self.assertEqual(self.gatepost.push().returncode, 0)
        expect(self.rows()).to_have_count(1)
        self.gatepost.push(key="wrong")
        expect(self.rows()).to_have_count(2)
        # The newest callback is the first row.
        expect(self.rows().first).to_contain_text("signature_mismatch")
        expect(self.rows().nth(1)).to_contain_text("push.example.com")
        self.page.get_by_label("Follow").uncheck()
        self.gatepost.push()
        self.page.get_by_role("button", name="Show 1 new").click()
        expect(self.rows()).to_have_count(3)
        self.page.reload()
        expect(self.page.get_by_label("Follow")).not_to_be_checked()
        self.gatepost.push(app="studio-with-a-long-name.live.example.com")
        self.page.reload()
        self.check_page("callbacks")

    def test_login_says_that_token_is_wrong(self):
        self.page.goto(self.gatepost.console + "status")
        self.page.get_by_label("Token").fill("guess")
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("alert")).to_contain_text("Wrong token")
        expect(self.page.get_by_label("Token")).to_be_focused()
        self.problems.clear()  # The browser reports the status 401.
        self.check_page("login-wrong")
        self.page.get_by_label("Token").fill(harness.TOKEN)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", name="Callbacks")).to_be_visible()

    def test_server_filters_list_and_page_shows_filter(self):
        self.log_in()
        self.gatepost.push(stream="the-final")
        self.gatepost.push(key="wrong")
        self.gatepost.play()
        expect(self.rows()).to_have_count(3)
        self.page.get_by_role("link", name="Refused", exact=True).click()
        expect(self.rows()).to_have_count(1)
        expect(self.page.get_by_text("Only callbacks with")).to_contain_text("refused")
        # The filter also applies to callbacks that arrive later.
        self.gatepost.push()
        self.gatepost.push(app="unknown.example.com")
        expect(self.rows()).to_have_count(2)
        self.check_page("callbacks-filtered")
        self.page.get_by_role("link", name="Clear all").click()
        self.page.get_by_text("Filters", exact=True).click()
        self.page.get_by_label("Provider", exact=True).fill("kollus")
        self.page.get_by_role("button", name="Apply").click()
        expect(self.rows()).to_have_count(1)
        expect(self.rows().first).to_contain_text("live_play")
        self.page.get_by_role("link", name="provider: kollus").click()
        search = self.page.get_by_label("Text in a request, event, answer or reply")
        search.fill("THE-FINAL")
        search.press("Enter")
        expect(self.rows()).to_have_count(1)

    def test_keyboard_is_enough_to_search_and_open_callbacks(self):
        self.log_in()
        for stream in ("one", "two", "three"):
            self.gatepost.push(stream=stream)
        expect(self.rows()).to_have_count(3)
        keyboard = self.page.keyboard
        keyboard.press("/")
        expect(self.page.get_by_role("searchbox")).to_be_focused()
        keyboard.type("t")
        keyboard.press("Escape")
        keyboard.press("ArrowDown")
        keyboard.press("ArrowDown")
        expect(self.page.get_by_role("link", name="#2")).to_be_focused()
        keyboard.press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("push #2")
        keyboard.press("Escape")
        expect(self.page.get_by_role("link", name="#2")).to_be_focused()

    def test_page_of_refused_callback_shows_reason(self):
        self.log_in()
        self.gatepost.push(key="wrong")
        self.page.get_by_role("link", name="#1").click()
        expect(self.page.get_by_text("refused with 401: signature_mismatch")).to_be_visible()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("push, not verified #1 refused")
        expect(self.page.locator(".steps .refused")).to_contain_text("none of 1 matches")
        expect(self.page.get_by_text("The app received no event.")).to_be_visible()
        self.assertEqual(self.page.get_by_role("link", name="Send again").count(), 0)
        self.assertNotIn(harness.KEY, self.page.content())
        self.check_page("refused")

    def test_sends_event_again_unchanged_and_edited(self):
        self.log_in()
        self.gatepost.push(stream="match")
        self.page.get_by_role("link", name="#1").click()
        self.check_page("accepted")
        self.page.get_by_role("link", name="Send again").click()
        self.page.get_by_role("button", name="Send unchanged").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Sent again")
        self.check_page("sent-again")
        (_, first, body), (_, second, again) = App.seen
        self.assertEqual(body, again)
        self.assertEqual(first["ce-id"], second["ce-id"])
        self.assertEqual(second["gatepost-replay"], "1")
        self.page.get_by_role("link", name="Callback 1").click()
        field = self.page.get_by_label("Body of the event")
        field.fill(field.input_value().replace("match", "<final> \u4e2d"))
        self.page.get_by_role("button", name="Send edited").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Sent again, edited")
        self.assertEqual(json.loads(App.seen[2][2])["stream_id"], "<final> \u4e2d")

    def test_exports_callback_as_curl_command_and_request_file(self):
        self.log_in()
        self.gatepost.push()
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page.get_by_role("link", name="#1").click()
        self.page.get_by_role("button", name="Copy as curl").click()
        expect(self.page.get_by_role("button", name="Copied")).to_be_visible()
        copied = self.page.evaluate("navigator.clipboard.readText()")
        self.assertTrue(copied.startswith("curl -X POST 'http://127.0.0.1:"), copied)
        self.assertEqual(copied, self.page.get_by_label("Command").input_value())
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="Save request").click()
        self.assertEqual(download.value.suggested_filename, "callback-1.http")
        saved = download.value.path().read_text()
        self.assertTrue(saved.startswith("POST /callbacks/tencent HTTP/1.1\n"), saved)

    def test_list_asks_operator_to_log_in_after_session_ends(self):
        self.log_in()
        expect(self.page.get_by_text("Live", exact=True)).to_be_visible()
        self.page.context.clear_cookies()
        self.gatepost.push()
        expect(self.page.get_by_text("Session ended")).to_be_visible()
        self.page.get_by_role("link", name="Log in again").click()
        expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()

    def test_empty_list_shows_first_callback_although_follow_is_off(self):
        self.log_in()
        self.page.get_by_label("Follow").uncheck()
        self.gatepost.push()
        expect(self.rows()).to_have_count(1)
        expect(self.page.get_by_text("No callbacks yet")).to_have_count(0)

    def test_list_keeps_500_newest_callbacks_while_page_is_open(self):
        self.log_in()
        client = http.client.HTTPConnection("127.0.0.1", self.gatepost.listen)
        for _ in range(700):
            client.request("POST", "/callbacks/tencent", body=b"{}")
            client.getresponse().read()
        client.close()
        expect(self.page.get_by_role("link", name="#700", exact=True)).to_be_visible(timeout=20_000)
        expect(self.rows()).to_have_count(500)

    def test_memory_of_browser_does_not_grow_while_page_is_open_for_a_day(self):
        self.log_in()
        self.page.emulate_media(reduced_motion="reduce")
        self.page.add_init_script(DAY)
        self.page.reload()
        tools = self.page.context.new_cdp_session(self.page)
        tools.send("Performance.enable")

        def leave_open_until(asked):
            self.page.evaluate(f"openUntil({asked})")
            # The content policy refuses the script of wait_for_function.
            self.gatepost.wait_until(lambda: self.page.evaluate("isOpenUntilGoal()"), patience=120)

        def sizes():
            tools.send("HeapProfiler.collectGarbage")
            metrics = tools.send("Performance.getMetrics")["metrics"]
            metrics = {metric["name"]: metric["value"] for metric in metrics}
            return metrics["Nodes"], metrics["JSHeapUsedSize"]

        leave_open_until(600)
        nodes, bytes_used = sizes()
        leave_open_until(24 * 3600 // 25)
        expect(self.rows()).to_have_count(500)

        def is_flat():
            # The browser frees nodes of the page only some time after the page has removed them.
            nodes_of_day, bytes_of_day = sizes()
            return nodes_of_day < nodes * 1.1 and bytes_of_day < bytes_used + 1_000_000

        self.gatepost.wait_until(is_flat)

    def test_pages_fit_and_are_accessible_in_dark_colours_and_on_phone(self):
        self.check_looks("login", "login")
        self.log_in()
        self.gatepost.push()
        self.page.get_by_role("link", name="#1", exact=True).wait_for()
        self.check_looks("callbacks", "")
        self.check_looks("callback", "callbacks/1")


class WithoutJavaScript(ConsoleTest):
    javascript = False

    def test_operator_can_filter_list_and_send_event_again(self):
        self.gatepost.push(stream="match")
        self.gatepost.push(key="wrong")
        self.log_in()
        expect(self.page.locator("tbody tr")).to_have_count(2)
        self.page.get_by_role("link", name="Accepted").click()
        self.page.get_by_role("link", name="#1").click()
        expect(self.page.get_by_role("button", name="Copy as curl")).to_be_hidden()
        expect(self.page.get_by_label("Command")).to_be_visible()
        self.page.get_by_role("button", name="Send unchanged").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Sent again")
        self.page.get_by_role("link", name="Callback 1").click()
        self.page.get_by_role("link", name="Callbacks").first.click()
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page.get_by_role("heading", name="Log in")).to_be_visible()


if __name__ == "__main__":
    unittest.main()
