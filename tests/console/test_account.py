"""The Account page: shows a plan of changes to the platform's account, and makes the changes.

`Double` accepts any signature; the tests in `proxy/tests/it/platform` check the signatures."""

import http.server
import json
import tempfile
import threading
import unittest

from playwright.sync_api import expect

from harness import READ_TOKEN, ConsoleTest, Gatepost

# The platform accepts only letters and digits in a key.
PLATFORM_KEY = "s1gningk3y"


class Double(http.server.BaseHTTPRequestHandler):
    """Test double of the platform's API, with the callback templates and rules of one account."""

    templates, rules, actions = {}, [], []
    refuses = None

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        action = self.headers["x-tc-action"]
        type(self).actions.append(action)
        assert self.headers["authorization"].startswith("TC3-HMAC-SHA256 Credential=s3cret-id/")
        if action == self.refuses:
            self.reply({"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "wrong <b>"}})
        elif action == "DescribeLiveCallbackTemplates":
            self.reply({"Templates": list(self.templates.values())})
        elif action == "DescribeLiveCallbackRules":
            self.reply({"Rules": self.rules})
        elif action == "CreateLiveCallbackTemplate":
            number = 1000 + len(self.templates)
            self.templates[number] = asked | {"TemplateId": number}
            self.reply({"TemplateId": number})
        elif action == "CreateLiveCallbackRule":
            self.rules.append(asked)
            self.reply({})
        elif action == "ModifyLiveCallbackTemplate":
            self.templates[asked["TemplateId"]] |= asked
            self.reply({})
        elif action == "DeleteLiveCallbackRule":
            self.rules[:] = [own for own in self.rules if own["DomainName"] != asked["DomainName"]]
            self.reply({})
        elif action == "DeleteLiveCallbackTemplate":
            del self.templates[asked["TemplateId"]]
            self.reply({})
        else:
            self.reply({"Error": {"Code": "InvalidAction", "Message": action}})

    def reply(self, response):
        body = json.dumps({"Response": response | {"RequestId": "r1"}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Account(ConsoleTest):
    def start_gatepost(self):
        Double.templates, Double.rules, Double.actions, Double.refuses = {}, [], [], None
        platform = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Double)
        threading.Thread(target=platform.serve_forever, args=[0.01], daemon=True).start()
        self.addCleanup(platform.server_close)
        self.addCleanup(platform.shutdown)
        secret = self.enterContext(tempfile.NamedTemporaryFile("w"))
        secret.write("s3cret-key\n")
        secret.flush()
        return Gatepost(
            TENCENT_KEY=PLATFORM_KEY, TENCENTCLOUD_SECRET_ID="s3cret-id",
            TENCENTCLOUD_SECRET_KEY_FILE=secret.name,
            TENCENTCLOUD_ENDPOINT=f"http://127.0.0.1:{platform.server_address[1]}")

    def setUp(self):
        super().setUp()
        self.log_in()

    def compare(self):
        self.page.get_by_role("link", name="Templates", exact=True).click()
        self.page.get_by_role("link", name="Compare with account").click()
        self.page.get_by_label("Public address").fill("https://gate.example.com")
        self.page.get_by_role("button", name="Compare").click()

    def test_changes_account_only_after_operator_confirms_plan(self):
        self.page.get_by_role("link", name="Templates", exact=True).click()
        self.page.get_by_role("link", name="Compare with account").click()
        self.check_page("account")
        self.compare()
        plan = self.page.get_by_role("region", name="Plan")
        expect(plan).to_contain_text("+ create callback template studio")
        expect(plan).to_contain_text("+ bind push.example.com (live) to studio")
        self.assertNotIn(PLATFORM_KEY, self.page.content())
        self.check_looks_here("account-plan")
        self.assertFalse([action for action in Double.actions if "Describe" not in action])
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("status")).to_contain_text("has what the config needs")
        self.check_looks_here("account-applied")
        [template] = Double.templates.values()
        self.assertEqual(
            (template["TemplateName"], template["CallbackKey"], template["StreamBeginNotifyUrl"]),
            ("studio", PLATFORM_KEY, "https://gate.example.com/callbacks/tencent"))
        self.assertEqual(Double.rules[0]["DomainName"], "push.example.com")
        self.compare()
        expect(self.page.get_by_role("region", name="Plan")).to_contain_text("No changes")
        self.assertEqual(self.page.get_by_role("button", name="Carry out").count(), 0)

    def test_changes_nothing_if_account_changed_after_operator_saw_plan(self):
        self.compare()
        Double.templates[1] = {"TemplateId": 1, "TemplateName": "studio", "Description": "by hand"}
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("alert")).to_contain_text("has changed since you saw the plan")
        expect(self.page.get_by_role("region", name="Plan")).to_contain_text("conflict: template studio")
        self.check_looks_here("account-conflict", is_refused=True)
        self.assertFalse([action for action in Double.actions if "Describe" not in action])

    def test_changes_key_and_removes_only_callback_templates_that_gatepost_created(self):
        self.compare()
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("status")).to_contain_text("has what the config needs")
        [studio] = Double.templates.values()
        studio["CallbackKey"] = "0ldk3y"
        Double.templates[7] = {"TemplateId": 7, "TemplateName": "gone", "Description": "gatepost-x"}
        Double.templates[8] = {"TemplateId": 8, "TemplateName": "own", "Description": "by hand"}
        self.page.get_by_label("Unbind and delete").check()
        self.page.get_by_role("button", name="Compare").click()
        plan = self.page.get_by_role("region", name="Plan")
        expect(plan).to_contain_text("~ modify callback template studio")
        expect(plan).to_contain_text("- delete callback template gone (7)")
        self.check_looks_here("account-rotation")
        for key in (PLATFORM_KEY, "0ldk3y"):
            self.assertNotIn(key, self.page.content())
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("status")).to_contain_text("has what the config needs")
        self.assertEqual(studio["CallbackKey"], PLATFORM_KEY)
        self.assertEqual([own["TemplateName"] for own in Double.templates.values()], ["studio", "own"])

    def test_takes_over_callback_template_and_never_removes_it(self):
        Double.templates[1] = {"TemplateId": 1, "TemplateName": "studio", "Description": "by hand"}
        Double.rules.append({"DomainName": "hand.example.com", "AppName": "live", "TemplateId": 1})
        self.compare()
        expect(self.page.get_by_role("region", name="Plan")).to_contain_text("conflict: template studio")
        self.page.get_by_label("Take over").fill("studio")
        self.page.get_by_role("button", name="Compare").click()
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("status")).to_contain_text("has what the config needs")
        self.assertTrue(Double.templates[1]["Description"].startswith("gatepost_adopted_"))
        self.gatepost.file.write_text(self.gatepost.file.read_text().replace('"studio"', '"next"').replace(
            '"push.example.com"', '"next.example.com"'))
        self.gatepost.reload()
        self.page.get_by_label("Take over").fill("")
        self.page.get_by_label("Unbind and delete").check()
        self.page.get_by_role("button", name="Compare").click()
        plan = self.page.get_by_role("region", name="Plan")
        expect(plan).to_contain_text("gatepost did not create it, so gatepost leaves it and its rules")
        expect(plan).not_to_contain_text("- delete")
        self.check_looks("account-adopted", "account?prune=1&url=https%3A%2F%2Fgate.example.com")

    def test_does_not_carry_out_plan_with_key_that_gatepost_has_not_loaded(self):
        key = self.gatepost.folder / "css.key"
        key.write_text("0ldk3y")
        self.gatepost.file.write_text(self.gatepost.file.read_text().replace(
            '{ env = "TENCENT_KEY" }', '{ file = "css.key" }'))
        self.gatepost.reload()
        key.write_text("n3wk3y")
        self.compare()
        plan = self.page.get_by_role("region", name="Plan")
        expect(plan).to_contain_text("conflict: template studio: expected a key that the running gatepost accepts")
        expect(plan).to_contain_text("reload gatepost with this config and this key first")
        self.assertEqual(self.page.get_by_role("button", name="Carry out").count(), 0)
        self.assertNotIn("n3wk3y", self.page.content())
        self.gatepost.reload(generation=3)
        self.compare()
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("status")).to_contain_text("has what the config needs")
        self.assertEqual(Double.templates[1000]["CallbackKey"], "n3wk3y")

    def test_shows_error_of_platform_and_fault_of_public_address(self):
        Double.refuses = "CreateLiveCallbackRule"
        self.compare()
        self.page.get_by_role("button", name="Carry out 2 changes").click()
        expect(self.page.get_by_role("alert")).to_contain_text("gatepost has made 1 of 2 changes")
        expect(self.page.get_by_role("alert")).to_contain_text("wrong <b>; check the SecretKey")
        self.check_looks_here("account-failed", is_refused=True)
        self.page.get_by_label("Public address").fill("gate.example.com/path")
        self.page.get_by_role("button", name="Compare").click()
        expect(self.page.get_by_role("alert")).to_contain_text("https://gate.example.com")
        self.check_looks_here("account-address", is_refused=True)

    def test_read_token_cannot_open_account_page(self):
        page = self.open_page()
        self.log_in(READ_TOKEN, page)
        page.goto(self.gatepost.console + "account?url=https://gate.example.com")
        expect(page.get_by_role("heading", level=1)).to_have_text("You may read, but not change")
        self.assertEqual(Double.actions, [])


class WithoutApiKey(ConsoleTest):
    def test_shows_name_of_missing_variable(self):
        self.log_in()
        self.page.goto(self.gatepost.console + "account")
        expect(self.page.get_by_role("alert")).to_contain_text("TENCENTCLOUD_SECRET_ID_FILE")
        self.check_looks_here("account-without-key")


if __name__ == "__main__":
    unittest.main()
