"""An operator's whole task, from the login to the deletion of a template: with the mouse, with the
keyboard only, and without JavaScript.

1. `create_and_bind`: log in, create a template with eight addresses, bind two domains.
2. `change`: change the template. `test_templates` tests the faults and conflicts of the forms, with and
   without JavaScript.
3. `read`: watch a signed push arrive, read its page, and read why gatepost refused another push.
4. `send_again`: edit an event and send it again. Send a sample.
5. `remove`: unbind each domain, delete the template, log out."""

import json
import unittest

from playwright.sync_api import expect

from harness import App, ConsoleTest
from test_templates import KINDS


class WholeTask(ConsoleTest):
    """Uses the mouse to activate links and buttons, and to focus fields."""

    def activate(self, locator):
        locator.click()

    def fill(self, label, text):
        self.page.get_by_label(label, exact=True).click()
        self.page.get_by_label(label, exact=True).fill(text)

    def choose(self, label, option):
        self.page.get_by_label(label, exact=True).select_option(option)

    def press(self, name, role="button"):
        self.activate(self.page.get_by_role(role, name=name, exact=True))

    def expect_title(self, text):
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def show_newest(self):
        """Does nothing, because JavaScript updates the list."""

    def test_whole_task(self):
        self.create_and_bind()
        self.change()
        self.read()
        self.send_again()
        self.remove()
        self.assertEqual(self.problems, [])

    def create_and_bind(self):
        self.page.goto(self.gatepost.console)
        self.fill("Token", "c0nsole-t0ken")
        self.press("Log in")
        self.expect_title("Callbacks")

        self.press("Templates", "link")
        self.press("Create template", "link")
        self.choose("Platform", "Tencent Cloud CSS")
        self.press("Continue")
        self.fill("Name", "match-day")
        self.fill("New key, name", "TENCENT_KEY")
        for kind in KINDS:
            self.fill(kind, f"http://127.0.0.1:{self.gatepost.app_port}/{kind}")
        self.press("Create")
        self.fill("Domain or channel 1", "one.example.com")
        self.press("Add another")
        self.fill("Domain or channel 2", "two.example.com")
        self.press("Bind")
        self.expect_title("match-day")

    def change(self):
        self.fill("Description", "Final_of_the_cup")
        self.press("Save")
        expect(self.page.get_by_role("status")).to_contain_text("Saved")
        self.assertIn('description = "Final_of_the_cup"', self.gatepost.file.read_text())

    def read(self):
        self.press("Callbacks", "link")
        expect(self.page.get_by_text("No callbacks yet")).to_be_visible()
        self.gatepost.push(app="two.example.com", key="not-the-key")
        self.gatepost.push(app="one.example.com", stream="final")
        self.show_newest()
        self.press("#2", "link")
        self.expect_title("push #2 accepted")
        self.press("Callbacks", "link")
        self.press("#1", "link")
        expect(self.page.get_by_text("refused with 401: signature_mismatch")).to_be_visible()
        expect(self.page.locator(".steps .refused")).to_contain_text("none of 1 matches")

    def send_again(self):
        self.press("Callbacks", "link")
        self.press("#2", "link")
        field = self.page.get_by_label("Body of the event")
        self.fill("Body of the event", field.input_value().replace("final", "semi-final"))
        self.press("Send edited")
        self.expect_title("Sent again, edited")
        self.assertEqual([path for path, *_ in App.seen], ["/push", "/push"])
        self.assertEqual(json.loads(App.seen[1][2])["stream_id"], "semi-final")
        self.press("Send", "link")
        kinds = self.page.get_by_role("region", name="match-day")
        self.activate(kinds.get_by_role("link", name="push", exact=True))
        self.press("Send")
        self.expect_title("push #3 accepted")
        self.assertEqual(len(App.seen), 3)

    def remove(self):
        self.press("Templates", "link")
        self.press("match-day", "link")
        for domain in ("one.example.com", "two.example.com"):
            self.press(f"Unbind {domain}", "link")
            self.press("Unbind")
        self.press("Delete", "link")
        self.press("Delete")
        expect(self.page.get_by_role("status")).to_have_text("Template deleted.")
        self.press("Log out")
        self.expect_title("Log in")


class ByKeyboard(WholeTask):
    """Uses only the keyboard: Tab to reach an element, Enter to activate it, letters to choose an option."""

    def reach(self, locator):
        locator.wait_for()
        for _ in range(120):
            if locator.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        self.fail(f"expected at most 120 presses of Tab to reach {locator}, found the focus elsewhere")

    def activate(self, locator):
        self.reach(locator)
        self.page.keyboard.press("Enter")

    def fill(self, label, text):
        self.reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def choose(self, label, option):
        self.reach(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(option)


class WithoutJavaScript(WholeTask):
    javascript = False

    def show_newest(self):
        self.page.reload()


if __name__ == "__main__":
    unittest.main()
