"""An ASGI app, for daphne and uvicorn. It removes the root path from the start of the path before it
routes, as Django and Starlette do."""

import os

EVENTS = ["/live/push", "/callbacks/tencent", "/hooks/tencent"]


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    path, root = scope["path"], scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    if path.rstrip("/") in EVENTS:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with open(os.environ["HANDLED"], "a") as handled:
            handled.write(f"{headers.get('x-probe', '-')} {headers.get('ce-type', '-')}\n")
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"passed\n"})
