"""The Status page."""

import unittest

from playwright.sync_api import expect

import harness
from harness import ConsoleTest


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
                     "max_connections", "2, since", "no template is bound"):
            expect(main).to_contain_text(text)
        self.assertNotIn("p4th-t0ken", self.page.content())
        self.page.get_by_role("link", name="studio").first.click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("studio")

    def test_page_fits_and_is_accessible_in_dark_colours_and_on_phone(self):
        self.log_in()
        self.check_looks("status", "status")


if __name__ == "__main__":
    unittest.main()
