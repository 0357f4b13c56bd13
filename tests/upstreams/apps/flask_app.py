"""A Flask app, for gunicorn."""

import os

from flask import Flask, request

app = Flask(__name__)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@app.route("/live/push", methods=METHODS, strict_slashes=False)
@app.route("/callbacks/tencent", methods=METHODS, strict_slashes=False)
@app.route("/hooks/tencent", methods=METHODS, strict_slashes=False)
def handle():
    with open(os.environ["HANDLED"], "a") as handled:
        probe, kind = request.headers.get("x-probe", "-"), request.headers.get("ce-type", "-")
        handled.write(f"{probe} {kind}\n")
    return ""


@app.errorhandler(404)
def other(_error):
    return "passed\n"
