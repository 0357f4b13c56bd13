"""The console below a path prefix, behind a real nginx. The `location` of nginx has the directives that
the manual's page `console` gives."""

import os
import pathlib
import shutil
import subprocess
import unittest

from playwright.sync_api import expect

from harness import CONFIG, ConsoleTest, Gatepost, free_port

NGINX = """\
daemon off;
error_log {folder}/nginx-error.log;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location /ops/gatepost/ {{
            proxy_pass http://127.0.0.1:{admin}/;
            proxy_set_header Host $http_host;
            proxy_read_timeout 60s;
        }}
    }}
}}
"""


class Prefix(ConsoleTest):
    def start_gatepost(self):
        gatepost = Gatepost(CONFIG)
        self.port = free_port()
        config = pathlib.Path(gatepost.folder / "nginx.conf")
        config.write_text(NGINX.format(folder=gatepost.folder, port=self.port, admin=gatepost.admin))
        program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        nginx = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        gatepost.console = f"http://127.0.0.1:{self.port}/ops/gatepost/console/"
        gatepost.wait_until(lambda: gatepost.get("/ops/gatepost/readyz", self.port).status == 200)
        return gatepost

    def test_whole_console_works_below_prefix(self):
        self.log_in_by_form()
        expect(self.page).to_have_url(self.gatepost.console)
        self.gatepost.push()
        # The link appears only if the feed of the live list works below the prefix.
        self.page.get_by_role("link", name="#1").click()
        self.check_page("prefix")
        self.page.get_by_role("button", name="Send unchanged").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Sent again")
        for name in ("Domains", "Queue", "Send", "Status", "Templates"):
            self.page.get_by_role("link", name=name, exact=True).click()
            expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        self.page.get_by_role("link", name="Send", exact=True).click()
        self.page.get_by_role("link", name="Play a scenario of studio").click()
        self.page.get_by_role("button", name="Play").click()
        expect(self.page.locator("h1 .badge")).to_have_text("ended")
        self.page.get_by_role("link", name="Templates", exact=True).click()
        self.page.get_by_role("link", name="studio").click()
        self.page.get_by_label("Description").fill("Below_a_prefix")
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.get_by_role("status")).to_contain_text("Saved")
        self.page.get_by_role("link", name="Unbind push.example.com").click()
        self.page.get_by_role("button", name="Unbind").click()
        expect(self.page).to_have_url(self.gatepost.console + "templates/studio?done=unbound")
        self.page.get_by_role("button", name="Log out").click()
        expect(self.page).to_have_url(self.gatepost.console + "login")
        self.assertEqual(self.problems, [])


if __name__ == "__main__":
    unittest.main()
