# SIGNING_SECRET=whsec_… python3 examples/python/verified.py 3000
# An app that clients can reach without gatepost: it accepts an event only with a valid signature. The config of
# gatepost has signing_secret = { env = "SIGNING_SECRET" }. Install the library with pip install standardwebhooks.
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

webhook = Webhook(os.environ["SIGNING_SECRET"])


class App(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = webhook.verify(body, dict(self.headers))
        except Exception as error:  # any fault of the signature, its time or the body
            self.log_error("%s", error)
            self.send_response(401)
        else:
            self.log_message("%s %s", self.headers["ce-type"], event)
            self.send_response(204)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
