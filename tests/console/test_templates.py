"""The Templates and Domains pages: create, bind, change, unbind and delete."""

import unittest

from playwright.sync_api import expect

from harness import READ_TOKEN, ConsoleTest

KINDS = ("push", "interruption", "recording_file", "recording_status", "recording_exception",
         "screencapture", "porn_detection", "error")


class Templates(ConsoleTest):
    def setUp(self):
        super().setUp()
        self.log_in()

    def text(self):
        return self.gatepost.file.read_text()

    def open(self, path):
        self.page.goto(self.gatepost.console + path)

    def click(self, name, role="button"):
        self.page.get_by_role(role, name=name, exact=True).click()

    def expect_title(self, text):
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    def fill(self, label, value):
        self.page.get_by_label(label, exact=True).fill(value)

    def test_template_with_eight_addresses_can_be_created_changed_and_deleted(self):
        self.click("Templates", "link")
        self.check_page("templates")
        self.click("Create template", "link")
        self.page.get_by_label("Platform").select_option("Tencent Cloud CSS")
        self.click("Continue")
        self.check_page("template-new")
        self.fill("Name", "\u76f4\u64ad-1")
        self.fill("Description", "All_eight_events")
        self.fill("New key, name", "TENCENT_KEY")
        for kind in KINDS:
            self.fill(kind, f"http://127.0.0.1:{self.gatepost.app_port}/eight/{kind}")
        self.click("Create")
        # The next page asks for the domains to bind.
        self.expect_title("Bind \u76f4\u64ad-1")
        expect(self.page.get_by_role("status")).to_contain_text("Template created")
        self.fill("Domain or channel 1", "a.example.com")
        self.click("Add another")
        self.fill("Domain or channel 2", "b.example.com")
        self.check_page("bind")
        self.click("Bind")
        self.expect_title("\u76f4\u64ad-1")
        for domain in ("a.example.com", "b.example.com"):
            self.assertEqual(self.gatepost.push(app=domain).returncode, 0)
        self.assertEqual(self.gatepost.app.RequestHandlerClass.seen[-1][0], "/eight/push")
        self.check_page("template")
        self.fill("Name", "renamed")
        self.fill("Description", "")
        self.fill("error", "")
        self.click("Save")
        expect(self.page.get_by_role("status")).to_contain_text("Saved")
        self.assertIn('name = "renamed"', self.text())
        self.assertNotIn("/eight/error", self.text())
        self.click("Delete", "link")
        self.expect_title("Cannot delete the template renamed")
        expect(self.page.get_by_role("alert")).to_contain_text("Unbind each domain")
        self.assertEqual(self.page.get_by_role("button", name="Delete").count(), 0)
        self.click("Back", "link")
        for domain in ("a.example.com", "b.example.com"):
            self.page.get_by_role("link", name=f"Unbind {domain}").click()
            self.expect_title(f"Unbind {domain} from renamed?")
            self.check_page("unbind")
            self.click("Unbind")
        self.assertNotEqual(self.gatepost.push(app="a.example.com").returncode, 0)
        self.click("Delete", "link")
        expect(self.page.get_by_text("cannot restore")).to_be_visible()
        self.check_page("delete")
        self.click("Delete")
        expect(self.page.get_by_role("status")).to_have_text("Template deleted.")
        self.assertNotIn("renamed", self.text())
        self.assertIn("# The studio's own domain.", self.text())

    def test_shows_each_fault_at_its_field_and_keeps_values(self):
        before = self.text()
        self.open("new-template?provider=tencent-css")
        self.fill("Name", "n" * 31)
        self.fill("Description", "d" * 101)
        self.fill("push", "ftp://127.0.0.1/<b>")
        self.fill("New key, name", "NO_SUCH_VARIABLE")
        self.click("Create")
        for label in ("Name", "Description", "push"):
            field = self.page.get_by_label(label, exact=True)
            expect(field).to_have_attribute("aria-invalid", "true")
        expect(self.page.locator("#on-push-fault")).to_contain_text("http")
        expect(self.page.locator("#key-1-fault")).to_contain_text("NO_SUCH_VARIABLE")
        expect(self.page.get_by_label("Key 1, name")).to_have_attribute("aria-invalid", "true")
        expect(self.page.get_by_label("push", exact=True)).to_have_value("ftp://127.0.0.1/<b>")
        self.problems.clear()  # The browser reports the status 422.
        self.check_page("template-faults")
        self.fill("Name", "studio")
        self.fill("Description", "")
        self.fill("push", "http://127.0.0.1:1/push")
        self.fill("Key 1, name", "TENCENT_KEY")
        self.click("Create")
        expect(self.page.locator("#name-fault")).to_be_visible()
        self.assertEqual(self.text(), before)

    def test_save_reports_change_of_other_operator(self):
        other = self.open_page()
        self.log_in(page=other)
        self.open("templates/studio")
        other.goto(self.gatepost.console + "templates/studio")
        other.get_by_label("Description").fill("Of_the_other")
        other.get_by_role("button", name="Save").click()
        expect(other.get_by_role("status")).to_contain_text("Saved")
        self.fill("Description", "Mine")
        self.click("Save")
        expect(self.page.get_by_role("alert")).to_contain_text("This template has changed")
        self.assertIn("Of_the_other", self.text())
        expect(self.page.get_by_label("Description")).to_have_value("Mine")
        self.click("Save")
        expect(self.page.get_by_role("status")).to_contain_text("Saved")
        self.assertIn("Mine", self.text())

    def test_does_not_overwrite_change_by_hand(self):
        self.open("templates/studio")
        edited = self.text().replace("The studio's own domain", "Edited by hand")
        self.gatepost.file.write_text(edited)
        self.fill("Description", "Mine")
        self.click("Save")
        expect(self.page.get_by_role("alert")).to_contain_text("SIGHUP")
        self.assertEqual(self.text(), edited)

    def test_shows_each_fault_of_a_binding_at_its_field(self):
        before = self.text()
        self.open("templates/studio/bind")
        self.click("Bind")
        expect(self.page.locator("#tenant-1-fault")).to_contain_text("Enter a domain")
        self.fill("Domain or channel 1", "fine.example.com")
        self.click("Add another")
        self.fill("Domain or channel 2", "<b>bold</b>")
        self.click("Bind")
        expect(self.page.get_by_label("Domain or channel 2")).to_have_attribute("aria-invalid", "true")
        expect(self.page.locator("#tenant-2-fault")).to_contain_text("push domain")
        self.assertEqual(self.page.locator("#tenant-1-fault").count(), 0)
        expect(self.page.get_by_label("Domain or channel 1")).to_have_value("fine.example.com")
        self.assertEqual(self.page.locator("main b", has_text="bold").count(), 0)
        self.problems.clear()  # The browser reports the status 422.
        self.check_page("bind-faults")
        self.open("domains")
        self.fill("Domain or channel", "<b>")
        self.page.get_by_label("Template", exact=True).select_option("studio")
        self.click("Bind")
        field = self.page.get_by_label("Domain or channel", exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_value("<b>")
        expect(self.page.locator("#tenant-fault")).to_contain_text("push domain")
        self.problems.clear()
        self.check_page("domains-faults")
        self.fill("Domain or channel", "channel1")
        self.fill("Application", "live")
        self.page.get_by_label("Template", exact=True).select_option("viewers")
        self.click("Bind")
        expect(self.page.get_by_label("Application")).to_have_attribute("aria-invalid", "true")
        self.assertEqual(self.text(), before)

    def test_domain_can_be_bound_for_an_application(self):
        self.open("domains")
        self.fill("Domain or channel", "vip.example.com")
        self.fill("Application", "vip")
        self.page.get_by_label("Template", exact=True).select_option("studio")
        self.click("Bind")
        expect(self.page.get_by_role("row", name="vip.example.com application vip studio")).to_be_visible()
        self.assertIn('"vip.example.com/vip"', self.text())
        domain = "app=vip.example.com"
        self.assertEqual(self.gatepost.send("tencent-css.push", domain, "appname=vip").returncode, 0)
        self.assertNotEqual(self.gatepost.send("tencent-css.push", domain, "appname=live").returncode, 0)
        self.page.get_by_role("link", name="Unbind vip.example.com/vip from studio").click()
        self.click("Unbind")
        self.assertNotIn("vip.example.com", self.text())

    def test_change_since_the_page_was_opened_is_a_conflict(self):
        paths = ("templates/studio/bind", "templates/studio/unbind?tenant=push.example.com", "domains",
                 "templates/spare/delete")
        spare = '\n[[template]]\nname = "spare"\nprovider = "kollus"\n[template.on]\nlive_play = "{}"\n'
        address = f"http://127.0.0.1:{self.gatepost.app_port}/play"
        self.gatepost.file.write_text(self.text() + spare.format(address))
        self.gatepost.reload()
        for number, path in enumerate(paths):
            self.open(path)
            edited = self.text().replace("/play", f"/play{number}").replace("/live/push", f"/live/push{number}")
            self.gatepost.file.write_text(edited)
            self.gatepost.reload(generation=number + 3)
            for label in ("Domain or channel 1", "Domain or channel"):
                if self.page.get_by_label(label, exact=True).count():
                    self.fill(label, "new.example.com")
            self.page.locator("main form button").first.click()
            expect(self.page.get_by_role("alert")).to_contain_text("has changed since you opened")
            self.assertEqual(self.text(), edited, path)
            self.problems.clear()  # The browser reports the status 409.
        # The page shows the current config, so the second attempt succeeds.
        self.click("Delete")
        expect(self.page.get_by_role("status")).to_have_text("Template deleted.")

    def test_warns_of_key_that_the_platforms_console_refuses(self):
        self.open("templates/studio")
        expect(self.page.get_by_text("at most 32 letters and digits")).to_be_visible()
        expect(self.page.locator("#key-1-unfit")).to_contain_text("does not accept this key")
        expect(self.page.locator("#on-push-title")).to_have_text("Push succeeded")
        self.check_page("template-unfit-key")

    def test_form_lists_the_kinds_of_a_group(self):
        self.open("new-template?provider=tencent-css")
        expect(self.page.locator("#on-recording-about")).to_contain_text(
            "recording_file, recording_status, recording_exception")

    def test_form_shows_defaults_of_settings(self):
        self.open("new-template?provider=tencent-css")
        expect(self.page.get_by_label("grace_secs")).to_have_attribute("placeholder", "default: 180")
        expect(self.page.get_by_label("max_ahead_secs")).to_have_attribute("placeholder", "default: 900")

    def test_form_of_each_platform_opens(self):
        self.open("new-template")
        options = self.page.get_by_label("Platform").locator("option").all()
        # The first option asks the operator to choose.
        for name in [option.get_attribute("value") for option in options[1:]]:
            self.open(f"new-template?provider={name}")
            expect(self.page.get_by_role("button", name="Create")).to_be_visible()
            self.assertEqual(self.problems, [], name)

    def test_domains_page_binds_and_unbinds(self):
        self.click("Domains", "link")
        self.check_page("domains")
        self.fill("Domain or channel", "channel3")
        self.page.get_by_label("Template", exact=True).select_option("viewers")
        self.click("Bind")
        expect(self.page.get_by_role("status")).to_contain_text("Bound")
        self.assertEqual(self.gatepost.play("channel3").returncode, 0)
        self.fill("Domain or channel", "push.example.com")
        self.page.get_by_label("Template", exact=True).select_option("studio")
        self.click("Bind")
        self.fill("Domain or channel", "")
        self.click("Bind")
        expect(self.page.locator("#tenant-fault")).to_contain_text("Enter a domain")
        self.page.get_by_role("link", name="Unbind channel3 from viewers").click()
        self.click("Unbind")
        expect(self.page).to_have_url(self.gatepost.console + "domains?done=unbound")
        self.assertNotIn("channel3", self.text())

    def test_saving_template_of_channels_keeps_fixed_values_and_secrets(self):
        self.open("templates/viewers")
        self.check_page("template-channel")
        self.assertNotIn('value="custom"', self.page.content())
        self.fill("Description", "For_viewers")
        self.click("Save")
        expect(self.page.get_by_role("status")).to_contain_text("Saved")
        self.assertIn('custom_key = "custom"', self.text())
        self.assertIn('security_key = { env = "TENCENT_KEY" }', self.text())
        self.click("Save")
        expect(self.page.get_by_role("status")).to_contain_text("Nothing to save")

    def test_read_token_permits_reading_templates_and_no_change(self):
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        page.goto(self.gatepost.console + "templates/studio")
        expect(page.get_by_label("Name", exact=True)).to_be_disabled()
        self.assertEqual(page.get_by_role("button", name="Save").count(), 0)
        for path in ("templates/studio/bind", "templates/studio/delete", "new-template"):
            page.goto(self.gatepost.console + path)
            expect(page.get_by_role("heading", level=1)).to_have_text("You may read, but not change")


class WithoutJavaScript(Templates):
    javascript = False


class Looks(ConsoleTest):
    def test_pages_fit_and_are_accessible_in_dark_colours_and_on_phone(self):
        self.log_in()
        for path in ("templates", "templates/studio", "templates/studio/bind", "domains",
                     "templates/viewers", "templates/studio/delete", "new-template", "account",
                     "templates/studio/unbind?tenant=push.example.com", "templates/none",
                     "new-template?provider=tencent-css"):
            status = 404 if path == "templates/none" else 200
            self.check_looks(path.replace("/", "-").split("?")[0], path, status)


if __name__ == "__main__":
    unittest.main()
