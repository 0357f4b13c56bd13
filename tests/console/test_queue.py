"""The Queue page and the page of one event: filters, delivering again, dropping."""

import unittest

from playwright.sync_api import expect

from harness import KEY, QUEUED, READ_TOKEN, ConsoleTest, Gatepost


class Queue(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.log_in()

    def start_gatepost(self):
        return Gatepost(QUEUED)

    def rows(self):
        return self.page.locator("tbody tr")

    def click(self, name, role="button"):
        self.page.get_by_role(role, name=name, exact=True).click()

    def open(self, path):
        self.page.goto(self.gatepost.console + path)

    def expect_rows(self, path, count):
        """Loads a page until it has this number of rows."""
        def has_count():
            self.open(path)
            return self.rows().count() == count
        self.gatepost.wait_until(has_count)

    def test_lists_events_of_each_state_and_filters_them(self):
        self.open("queue")
        expect(self.page.get_by_text("The queue is empty.")).to_be_visible()
        self.check_page("queue-empty")
        self.gatepost.push(app="taken.example.com", stream="taken")
        self.gatepost.push(app="down.example.com", stream="waiting")
        self.gatepost.push(app="dead.example.com", stream="dead-one")
        for condition in ("state=delivered", "failing=true", "state=dead"):
            self.expect_rows(f"queue?{condition}", 1)
        self.open("queue")
        expect(self.rows()).to_have_count(3)
        self.check_page("queue")
        self.click("Failing", "link")
        expect(self.rows()).to_contain_text("app_unreachable")
        expect(self.page.get_by_text("Only events with")).to_contain_text("failing")
        self.click("Clear all", "link")
        self.open("callbacks/2")
        expect(self.page.get_by_role("heading", name="Event for the app (in the queue)")).to_be_visible()
        self.click("in the queue", "link")
        expect(self.rows()).to_contain_text("live/waiting")
        self.open("queue?subject=live%2Fdead-one")
        expect(self.rows()).to_have_count(1)
        self.open("queue?subject=%3Cb%3E")
        expect(self.page.get_by_text("No event matches the filter.")).to_be_visible()
        self.open("queue?state=%3Cb%3E")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Invalid filter")
        self.problems.clear()  # The browser reports the status 400.
        if self.javascript:
            for path in ("queue", "queue/3", "queue/drop?number=3"):
                self.check_looks(path.split("?")[0].replace("/", "-"), path)

    def test_delivers_dead_letter_again(self):
        self.gatepost.push(app="dead.example.com", stream="match")
        self.expect_rows("queue?state=dead", 1)
        self.click("#1", "link")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("push #1 dead")
        expect(self.page.get_by_role("main")).to_contain_text("live/match")
        self.assertNotIn(KEY, self.page.content())
        # The parameters of a push URL may contain a secret.
        expect(self.page.get_by_label("Body of the event")).to_contain_text('"stream_param": "***"')
        self.gatepost.give_dead_domain_an_app()
        self.click("Deliver again", "link")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Deliver event 1 again?")
        expect(self.page.get_by_role("main")).to_contain_text("#1: dead/push, live/match")
        self.click("Deliver again")
        expect(self.page.get_by_role("status")).to_have_text("1 event queued again.")
        self.gatepost.wait_until(lambda: len(self.gatepost.seen) == 1)
        self.assertEqual(self.gatepost.seen[0][1]["gatepost-replay"], "1")

    def test_drops_only_events_that_operator_saw(self):
        for stream in ("one", "two"):
            self.gatepost.push(app="dead.example.com", stream=stream)
        self.expect_rows("queue?state=dead", 2)
        self.click("Drop these", "link")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Drop 2 events?")
        expect(self.page.get_by_role("listitem").filter(has_text="dead/push")).to_have_text(
            ["#1: dead/push, live/one", "#2: dead/push, live/two"])
        self.check_page("queue-drop")
        # gatepost does not drop a dead letter that arrives while the operator confirms.
        self.gatepost.push(app="dead.example.com", stream="three")
        other = self.open_page()
        self.log_in(page=other)
        def is_dead():
            other.goto(self.gatepost.console + "queue?state=dead")
            return other.locator("tbody tr").count() == 3
        self.gatepost.wait_until(is_dead)
        self.click("Drop")
        expect(self.page.get_by_role("status")).to_have_text("2 events dropped.")
        expect(self.rows()).to_have_count(1)
        self.click("#3", "link")
        self.click("Drop", "link")
        self.click("Cancel", "link")
        self.open("queue/3")
        self.click("Drop", "link")
        self.click("Drop")
        self.open("queue/3")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Event not found")

    def test_read_token_shows_queue_and_permits_no_change(self):
        self.gatepost.push(app="dead.example.com")
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        page.goto(self.gatepost.console + "queue?state=dead")
        self.assertEqual(page.get_by_role("link", name="Drop these").count(), 0)
        page.goto(self.gatepost.console + "queue/drop?number=1")
        expect(page.get_by_role("heading", level=1)).to_have_text("You may read, but not change")


class WithoutJavaScript(Queue):
    javascript = False


class WithoutStore(ConsoleTest):
    def test_shows_how_to_configure_a_store(self):
        self.log_in()
        self.page.get_by_role("link", name="Queue").click()
        expect(self.page.get_by_role("main")).to_contain_text('url = "sqlite:gatepost.db"')
        self.check_page("queue-without-store")


if __name__ == "__main__":
    unittest.main()
