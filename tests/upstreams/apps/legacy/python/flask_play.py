"""Decides whether a viewer may play a live broadcast."""

from flask import Flask, jsonify, request

app = Flask(__name__)


@app.post("/kollus/live/<token>")
@app.post("/kollus/live/")
def play(token=None):
    if request.form.get("client_user_id") == "user01":
        return jsonify(data={"result": 1, "vmcheck": 0})
    return jsonify(data={"result": 0, "message": "Members only"})
