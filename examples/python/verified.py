# SIGNING_SECRET=whsec_… python3 examples/python/verified.py 3000
# An app that accepts an event only with a valid signature, so that its port can be public. The config
# of gatepost needs signing_secret = { env = "SIGNING_SECRET" }. To install the library:
# pip install standardwebhooks
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
        except Exception as error:  # an invalid signature, or a body that is not JSON
            self.log_error("%s", error)
            self.send_response(401)
        else:
            self.log_message("%s %s", self.headers["ce-type"], event)
            self.send_response(204)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
