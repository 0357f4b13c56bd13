#!/usr/bin/env python3
"""Writes the vectors of platforms. Signs them with hashlib, hmac and the package `cryptography` only.

    tests/vectors/make.py            writes the vectors of all platforms in PLATFORMS
    tests/vectors/make.py --check    compares them with the committed files instead
    tests/vectors/make.py NAME ...   writes the vectors of these platforms

No code of gatepost signs or verifies here: for each platform, a function signs as the platform's page
describes. The samples come from the definitions. `UPDATE_EVENTS=1 cargo test --test it missing_events`
then writes each missing event.json. Review these files.
"""
import base64, datetime, functools, hashlib, hmac, json, pathlib, sys, tomllib, urllib.parse, zlib

NOW = 1703731478
VECTORS = pathlib.Path(__file__).parent
KEYS = VECTORS.parent / "it/keys"
DEFINITIONS = VECTORS.parent.parent / "src/provider/definitions"
PLATFORMS = {}
# The first line of a case.toml that is not written by hand.
MADE = "# Made by tests/vectors/make.py."


class Request:
    def __init__(self, platform, kind, fields, now, key):
        self.platform, self.kind, self.now, self.key = platform, kind, now, key
        self.method = "GET" if kind in platform.gets else platform.definition["request"]["methods"]
        self.method = self.method if isinstance(self.method, str) else self.method[0]
        self.path = platform.path(kind)
        self.headers = dict(platform.definition.get("sample", {}).get("headers", {}))
        self.fields, self.raw = fields, None
        kind_from = platform.definition["kind"].get("from", "")
        if isinstance(kind_from, str) and kind_from.startswith("header:"):
            names = platform.definition["kind"].get("names", {})
            word = next((word for word, kinds in names.items() if kinds == kind), kind)
            if word in names or not names and kind != platform.definition["kind"].get("other"):
                self.headers[kind_from[7:]] = word

    @property
    def format(self):
        if self.kind in self.platform.forms:
            return "form"
        body = self.platform.definition["request"]["body"]
        if isinstance(body, dict):
            return body[self.method]
        return body if isinstance(body, str) else body[0]

    @property
    def body(self):
        if self.raw is not None:
            return self.raw
        if self.format == "query":
            return b""
        if self.format == "form":
            return urllib.parse.urlencode(self.fields).encode()
        return json.dumps(self.fields, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def target(self):
        return self.path + "?" + urllib.parse.urlencode(self.fields) if self.format == "query" else self.path


class Platform:
    """A platform, with the function `sign` that adds the signature or the token to a request.

    proof   place of the signature or the token: `header:NAME` or `/field`; None if the platform does not sign
    time    "sent" or "expiry" if gatepost checks a signed time
    covers  the places that the signature covers: `body` or fields. gatepost accepts a change of any other place
    public  the public key of the template, if `key` is a private one
    secret  True if the path has a secret segment although the platform signs
    renamed the prefix of the headers' names, and another prefix that the names may have
    other_key a second key in the form of `key`; signs forgeries, and one of the two signatures of a rotation
    route   the path of a route, if gate.toml is written by hand. Then make.py replaces no vector that is written by hand
    """

    def __init__(self, name, sign, key, proof, time, covers, settings, encoding, token, other_key, published, public):
        self.name, self.sign, self.key, self.proof, self.time = name, sign, key, proof, time
        self.covers, self.settings, self.encoding, self.token = covers, settings, encoding, token
        self.other_key, self.published, self.public = other_key, published, public
        self.definition = tomllib.loads((DEFINITIONS / f"{name.replace('-', '_')}.toml").read_text())

    def path(self, kind=None):
        if self.route:
            return self.route
        token = "" if self.proof and not self.secret else f"/{self.name}-token"
        return f"/callbacks/{self.name}{token}" + (f"/{kind}" if kind in self.apart() else "")

    def apart(self):
        """Returns the kinds that only the path identifies."""
        rule = self.definition["kind"]
        kinds = self.definition["kinds"]
        unnamed = rule.get("unnamed", [])
        shown = [unnamed] if isinstance(unnamed, str) else list(unnamed)
        shown.append(rule.get("other"))
        for names in rule.get("names", {k: k for k in kinds}).values():
            shown += [names] if isinstance(names, str) else names
        return [kind for kind in kinds if kind not in shown]

    def window(self):
        """Returns the path of a route whose template limits the age of a callback. Returns None if gatepost
        checks the time without such a template too, or never."""
        time = self.definition.get("signature", {}).get("time", {})
        return self.path() + "/window" if time.get("enforced") is False else None

    def request(self, kind, now=NOW, key=None, change=None):
        sample = self.definition["kinds"][kind].get("sample") or self.definition.get("sample", {}).get("json", "{}")
        is_text = sample.strip()[0] not in "{["
        request = Request(self, kind, {} if is_text else json.loads(sample), now, key or self.key)
        if is_text:
            request.raw = sample.strip().encode()
        if change:
            change(request)
        if self.sign:
            self.sign(request)
        return request


def platform(name, *, key=None, proof=None, time=None, covers=("body",), settings=None, encoding="hex", token=False,
             other_key="another-key", published=(), challenge=None, forms=(), public=None, gets=(), secret=False, renamed=None,
             route=None):
    def add(sign):
        PLATFORMS[name] = Platform(name, sign, key, proof, time, covers, settings or {}, encoding, token, other_key,
                                   published, public)
        PLATFORMS[name].challenge, PLATFORMS[name].forms, PLATFORMS[name].gets = challenge, forms, gets
        PLATFORMS[name].secret, PLATFORMS[name].renamed, PLATFORMS[name].route = secret, renamed, route
    return add


def hmac_of(digest, key, message, encoding="hex"):
    raw = hmac.new(key if isinstance(key, bytes) else key.encode(), message, digest).digest()
    return {"hex": raw.hex(), "base64": base64.b64encode(raw).decode(),
            "base64url": base64.urlsafe_b64encode(raw).decode()}[encoding]


def pem(name):
    return (KEYS / f"{name}.pem").read_text()


@functools.cache
def loaded(private):
    from cryptography.hazmat.primitives import serialization
    return serialization.load_pem_private_key(private.encode(), None)


def signed_by(private, message):
    """Returns the RSA-SHA256, ECDSA (RFC 6979) or Ed25519 signature of a message."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    key = loaded(private)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256()) if hasattr(key, "key_size") else key.sign(message)


def token_of(key, claims, algorithm="HS256"):
    """Returns a JSON Web Token, always signed with HMAC-SHA256. `algorithm` changes only its header."""
    encode = lambda part: base64.urlsafe_b64encode(part).decode().rstrip("=")
    write = lambda part: encode(json.dumps(part, separators=(",", ":")).encode())
    signed = write({"alg": algorithm, "typ": "JWT"}) + "." + write(claims)
    return signed + "." + encode(hmac.new(key.encode(), signed.encode(), "sha256").digest())


def rfc3339(seconds, rest="Z"):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + rest


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def text(value):
    """Formats a value as a TOML string."""
    return "'" + value + "'" if "'" not in value and "\n" not in value else json.dumps(value, ensure_ascii=False)


# --- cases -----------------------------------------------------------------------------------------

def refusal(verdict):
    status = 400 if verdict in ("field_duplicate", "field_invalid", "json_malformed", "kind_missing", "field_missing", "not_an_object") else 401
    return {"status": status, "body": "refused\n"}


def reply(platform, kind, allow=True):
    form = platform.definition["kinds"][kind].get("reply", {})
    if "allow" in form:
        return {"status": 200, "body": json.dumps(form["allow" if allow else "deny"], separators=(",", ":"))}
    if "allow_status" in form:
        return {"status": form["allow_status"] if allow else form["deny_status"], "body": ""}
    ack = form.get("ack") or platform.definition.get("reply", {}).get("ack", {})
    body = json.dumps(ack["json"], separators=(",", ":")) if "json" in ack else ack.get("text", "")
    return {"status": ack.get("status", 200), "body": body}


def cases(platform):
    """Yields the name, description, request, verdict, answer of the app, and reply of each case."""
    def case(name, what, request, verdict="accepted", answer=None, expected=None):
        kind = request.kind
        decides = {"allow", "allow_status"} & platform.definition["kinds"][kind].get("reply", {}).keys()
        answer = answer or (200, '{"allow":true}' if decides else "")
        expected = expected or (reply(platform, kind) if verdict == "accepted" else refusal(verdict))
        return name, what, request, verdict, answer, expected

    kinds = platform.definition["kinds"]
    for kind in kinds:
        if "give" in kinds[kind].get("reply", {}):
            yield from (hub_challenges if kinds[kind].get("unsigned") else challenges)(platform, kind, case)
            continue
        yield case(f"kind_{kind}", f"{kind}, as in the sample", platform.request(kind))
        if {"allow", "allow_status"} & kinds[kind].get("reply", {}).keys():
            deny = reply(platform, kind, allow=False)
            answer, message = {"allow": False}, kinds[kind]["reply"].get("message")
            denied = deny
            if message and "allow" in kinds[kind]["reply"]:
                answer["message"] = "not today"
                denied = {**deny, "body": compact({**json.loads(deny["body"]), message: "not today"})}
            yield case(f"{kind}_denied", f"the app denies {kind}", platform.request(kind), answer=(200, compact(answer)), expected=denied)
            yield case(f"{kind}_app_fails", f"the app fails to decide {kind}", platform.request(kind), answer=(500, ""), expected=deny)
    first = next(kind for kind in kinds if "give" not in kinds[kind].get("reply", {}))

    def with_type(request):
        for name in [name for name in request.headers if name.lower() == "content-type"]:
            del request.headers[name]
        request.headers["Content-Type"] = "text/plain"
    yield case("other_content_type", "a content type that does not name the format", platform.request(first, change=with_type))
    yield from incomplete(platform, first, case)
    if not platform.proof:
        request = platform.request(first)
        request.path = request.path.replace("-token", "-tokem")
        yield case("wrong_token", "another secret path segment", request, "token_mismatch")
        return
    yield from forgeries(platform, first, case)


def places_of(value):
    """Returns the places of a key such as `id`, with all alternatives."""
    return [place for text in ([value] if isinstance(value, str) else value or []) for place in text.split(" | ")]


def signed_places(platform, kind):
    """Returns the places that are parts of the signed message of a kind."""
    parts = platform.definition["kinds"][kind].get("signature", platform.definition.get("signature", {})).get("parts", [])
    parts = parts.get("sorted", [parts]) if isinstance(parts, dict) else [parts] if isinstance(parts, str) else parts
    return places_of([part if isinstance(part, str) else part["part"] for part in parts])


def remove(request, place):
    """Removes the value at a place. Returns True if there was one."""
    if place.startswith("header:"):
        names = [name for name in request.headers if name.lower() == place[7:].lower()]
        return bool([request.headers.pop(name) for name in names])
    *outer, last = place[1:].split("/")
    fields = request.fields
    for name in outer:
        fields = fields.get(name) if isinstance(fields, dict) else None
    return isinstance(fields, dict) and fields.pop(last, None) is not None


def is_required(platform, kind, place):
    """Returns True if the definition declares the field at a place as required."""
    fields = {**platform.definition.get("fields", {}), **platform.definition["kinds"][kind].get("fields", {})}
    for name in place[1:].split("/"):
        field = fields.get(name, {"optional": True})
        field = {"optional": field.endswith("?")} if isinstance(field, str) else field
        fields = field.get("fields", {})
    return not field.get("optional", False)


def incomplete(platform, kind, case):
    """Yields a callback without the value that identifies it, and a callback without the tenant."""
    definition, rule = platform.definition, platform.definition["kinds"][kind]
    ids, tenants = places_of(rule.get("id", definition.get("id"))), places_of(definition.get("tenant"))
    signed, is_raw = signed_places(platform, kind), platform.request(kind).raw is not None

    def without(places):
        """Returns the request and the removed places. Removes a part of the signed message only after signing."""
        removed, late = [], [place for place in places if place in signed]
        request = platform.request(kind, change=lambda request: removed.extend(p for p in places if p not in late and remove(request, p)))
        removed += [place for place in late if remove(request, place)]
        return request, removed

    for name, what, places in (("without_id", "no identifier of the event", ids[:1]), ("without_tenant", "no tenant", tenants)):
        places = [place for place in places if place.startswith("/") and not is_raw or place.startswith("header:")]
        request, removed = without(places) if places else (None, [])
        if not removed:
            continue
        needed = [place for place in removed if place.startswith("/") and is_required(platform, kind, place)]
        decides = {"allow", "allow_status"} & rule.get("reply", {}).keys()
        is_refused = any(place in ids for place in removed) or decides and needed
        verdict = "signed_part_missing" if set(removed) & set(signed) else "field_missing" if is_refused else "accepted"
        request.misfits = [place[1:].replace("/", ".") for place in needed] if verdict == "accepted" else []
        yield case(name, what, request, verdict)


def challenges(platform, kind, case):
    request = platform.request(kind)
    answer = {"status": 200, "body": platform.challenge(request)}
    yield case(f"kind_{kind}", "a challenge, which gatepost answers", request, expected=answer)
    wrong = platform.request(kind, key=platform.other_key)
    yield case(f"{kind}_other_key", "a challenge signed with another key", wrong, "signature_mismatch")

    def lengthen(fields):
        for name, value in fields.items():
            if isinstance(value, dict):
                lengthen(value)
            elif name in ("challenge", "plainToken"):
                fields[name] = "no token: {}"
    wrong = platform.request(kind, change=lambda request: lengthen(request.fields))
    yield case(f"{kind}_unfit", "a challenge with characters that a token does not have", wrong, "field_invalid")


def hub_challenges(platform, kind, case):
    """Yields the challenges of WebSub, which are not signed."""
    answer = {"status": 200, "body": platform.challenge(platform.request(kind))}
    for mode in ("subscribe", "unsubscribe"):
        request = platform.request(kind, change=lambda request: request.fields.update({"hub.mode": mode}))
        yield case(f"{kind}_{mode}", f"the hub verifies hub.mode={mode}", request, expected=answer)
    wrong = platform.request(kind, change=lambda request: request.fields.update({"hub.topic": "https://example.com/feed"}))
    yield case(f"{kind}_other_topic", "a challenge for another topic", wrong, "field_invalid")
    wrong = platform.request(kind, change=lambda request: request.fields.pop("hub.topic"))
    yield case(f"{kind}_without_topic", "a challenge without a topic", wrong, "field_missing")
    wrong = platform.request(kind, change=lambda request: request.fields.update({"hub.challenge": "no token: {}"}))
    yield case(f"{kind}_unfit", "a challenge with characters that a token does not have", wrong, "field_invalid")
    wrong = platform.request(kind)
    wrong.path = wrong.path.replace("-token", "-tokem")
    yield case(f"{kind}_wrong_token", "another secret path segment", wrong, "token_mismatch")


def forgeries(platform, kind, case):
    field, header = None, None
    if platform.proof.startswith("header:"):
        header = next(h for h in platform.request(kind).headers if h.lower() == platform.proof[7:].lower())
    else:
        field = platform.proof[1:]

    def edited(edit, **options):
        request = platform.request(kind, **options)
        if header:
            proof = edit(request.headers.pop(header))
            if proof is not None:
                request.headers[header] = proof
        else:
            proof = edit(request.fields.pop(field))
            if proof is not None:
                request.fields[field] = proof
        return request

    separator = ":" if platform.definition["signature"].get("separator") == ":" else ","
    last = lambda proof: proof.split(separator)[-1] if proof.endswith("=") else proof.rsplit("=", 1)[-1]
    # A fixed token has no encoding, and the length of a public-key signature varies.
    is_jwt = platform.definition["signature"].get("form") == "jwt"
    is_any = platform.token or platform.public
    malformed = "signature_mismatch" if is_any else "signature_malformed"
    is_padded = header and platform.request(kind).headers[header].endswith("=") or field
    doubled = malformed if platform.definition["signature"].get("encoding") != "base64" or not is_padded else "signature_malformed"
    flip = lambda proof: proof[:-8] + ("0" if proof[-8] != "0" else "1") + proof[-7:]
    yield case("missing_signature", "no signature", edited(lambda proof: None), "signature_missing")
    yield case("wrong_signature", "one character of the signature changed", edited(flip), "signature_mismatch")
    yield case("truncated_signature", "the last four characters are missing", edited(lambda proof: proof[:-4]), malformed)
    yield case("doubled_signature", "the signature twice in one value", edited(lambda proof: proof + last(proof)), doubled)
    yield case("other_key", "signed with another key", platform.request(kind, key=platform.other_key), "signature_mismatch")
    if is_jwt:
        unsigned = lambda proof: token_of("", json.loads(base64.urlsafe_b64decode(proof.split(".")[1] + "==")), "none").rsplit(".", 1)[0] + "."
        start = platform.definition["signature"].get("prefix", "")
        wrong = edited(lambda proof: start + unsigned(proof[len(start):]))
        yield case("algorithm_none", "the token declares no signature", wrong, "signature_malformed")
    if header:
        request = platform.request(kind)
        request.repeated = {header: request.headers[header]}
        yield case("repeated_header", "the header of the signature twice", request, "field_duplicate")
    else:
        request = platform.request(kind)
        body = request.body
        request.raw = body[:-1] + b"," + json.dumps({field: request.fields[field]})[1:].encode()
        yield case("repeated_field", "the field of the signature twice", request, "field_duplicate")
    separator, prefix = (platform.definition["signature"].get(key) for key in ("separator", "prefix"))
    proof = platform.request(kind).headers[header] if header else ""
    if separator in (",", " ") and len(proof.split(separator)) > 1:
        reverse = lambda proof: separator.join(reversed(proof.split(separator)))
        yield case("reordered_list", "the list of the header in another order", edited(reverse))
    if separator in (",", " ") and prefix and header:
        other = platform.request(kind, key=platform.other_key).headers[header].split(separator)
        is_signature = lambda entry: entry.strip().startswith(prefix)
        rotated = [entry for entry in proof.split(separator) if not is_signature(entry)]
        rotated += [*filter(is_signature, other), *filter(is_signature, proof.split(separator))]
        yield case("rotated_key", "the signatures of two keys, as during a rotation", edited(lambda proof: separator.join(rotated)))
    if platform.time:
        hours = 4 if platform.definition["signature"]["time"].get("max_age_secs", 0) >= 7200 else 2
        what = f"{'four' if hours == 4 else 'two'} hours old"
        yield case("expired", what, platform.request(kind, now=NOW - hours * 3600), "timestamp_expired")
        yield case("too_far_ahead", "two days ahead", platform.request(kind, now=NOW + 172800), "timestamp_too_far_ahead")
    if platform.window():
        hours = lambda count: platform.request(kind, now=NOW + count * 3600)
        yield case("old", "two hours old; the template has no limit", hours(-2))
        for name, what, count, verdict in (("expired", "two hours old", -2, "timestamp_expired"),
                                           ("too_far_ahead", "two days ahead", 48, "timestamp_too_far_ahead")):
            request = hours(count)
            request.path = platform.window()
            yield case(name, f"{what}; the template has a limit", request, verdict)
    listed = [part[7:] for part in platform.definition["signature"].get("parts", []) if str(part).startswith("listed:")]
    if listed and platform.time:
        unit = 1000 if platform.definition["signature"]["time"]["unit"] == "ms" else 1
        fresh = f"{listed[0]}{NOW * unit}"
        old = platform.request(kind, now=NOW - 7200 * 2)
        old.headers[header] = f"{fresh},{old.headers[header]}"
        yield case("fresh_time_first", "an old callback, with another time before the signed one", old, "signature_mismatch")
        old = platform.request(kind, now=NOW - 7200 * 2)
        old.headers[header] += f",{fresh}"
        yield case("fresh_time_last", "an old callback, with another time after the signed one", old, "timestamp_expired")
    if platform.renamed:
        old, new = platform.renamed
        request = platform.request(kind)
        request.headers = {name.replace(old, new): value for name, value in request.headers.items()}
        yield case("other_headers", "the headers with their other names", request)
        request = platform.request(kind)
        request.headers |= {name.replace(old, new): value for name, value in platform.request(kind, now=NOW - 1).headers.items()}
        request.headers[header.replace(old, new)] = flip(request.headers[header])
        yield case("both_headers", "the header of the signature with both of its names, and two values", request, "field_duplicate")
    request = platform.request(kind)
    if request.raw:
        request.raw += b" "
    elif isinstance(request.fields, list):
        request.fields.append({"added": 1})
    else:
        request.fields["added"] = 1
    covered = "body" in platform.covers
    what = "a field added to the signed body" if covered else "a field added to a body that the signature does not cover"
    yield case("changed_body", what, request, "signature_mismatch" if covered else "accepted")
    for place in platform.covers:
        if place != "body":
            request = platform.request(kind)
            request.fields[place] = request.fields[place] + "x"
            yield case(f"changed_{place}", f"{place} changed, which the signature covers", request, "signature_mismatch")


# --- files -----------------------------------------------------------------------------------------

def case_toml(what, request, verdict, answer, expected, source=None, now=NOW):
    headers = lambda table: "{ " + ", ".join(f"{h} = {text(v)}" for h, v in table.items()) + " }"
    lines = [f"# Source: {source}"] if source else [MADE]
    lines += [f"what    = {text(what)}", f"now     = {now}", f'verdict = "{verdict}"', "", "[request]",
              f'method = "{request.method}"', f"path   = {json.dumps(request.target)}"]
    if request.headers:
        lines.append("headers = " + headers(request.headers))
    if getattr(request, "repeated", None):
        lines.append("repeated = " + headers(request.repeated))
    is_challenge = "give" in request.platform.definition["kinds"][request.kind].get("reply", {})
    if getattr(request, "misfits", None):
        lines.insert(4, f"misfits = {json.dumps(request.misfits)}")
    if verdict == "accepted" and is_challenge:
        lines.insert(4, "asked   = false")
    elif verdict == "accepted":
        lines += ["", "[app]", f"status = {answer[0]}", f"body   = {text(answer[1])}"]
    lines += ["", "[reply]", f"status = {expected['status']}", f"body   = {json.dumps(expected['body'])}"]
    return "\n".join(lines) + "\n"


def settings_and_addresses(platform, limits={}):
    settings = [f"{name} = {json.dumps(value)}" for name, value in {**platform.settings, **limits}.items()]
    lines = ["", "[template.settings]", *settings] if settings else []
    return [*lines, "", "[template.on]", f'"*" = "http://app.test/{platform.name}"']


def gate_toml(platform):
    lines = []
    for kind in [None, *platform.apart()]:
        path = platform.path(kind).replace(f"/{platform.name}-token", "/{token}")
        lines += ["[[route]]", f'path     = "{path}"', f'provider = "{platform.name}"']
        if kind:
            lines.append(f'kind     = "{kind}"')
        if not platform.proof or platform.secret:
            lines.append(f'token    = "{platform.name}-token"')
        lines.append("")
    for path in dict.fromkeys(case["target"].split("?")[0] for case in platform.published if "target" in case):
        lines += ["[[route]]", f'path     = "{path}"', f'provider = "{platform.name}"', ""]
    keys = [platform.public or platform.key, *(case["key"] for case in platform.published)]
    keys = [f"keys     = {json.dumps(list(dict.fromkeys(keys)))}"] if platform.proof else []
    if platform.window():
        name = f"{platform.name}-window"
        lines += ["[[route]]", f'path     = "{platform.window()}"', f'provider = "{platform.name}"', f'template = "{name}"', ""]
        lines += ["[[template]]", "dedupe   = false", f'name     = "{name}"', f'provider = "{platform.name}"']
        lines += [keys[0], *settings_and_addresses(platform, {"max_age_secs": 300}), ""]
    lines += ["[[template]]", "dedupe   = false", f'name     = "{platform.name}"', f'provider = "{platform.name}"', *keys]
    lines.append('bind     = ["*"]')
    lines += settings_and_addresses(platform)
    return "\n".join(lines) + "\n"


TWILIO = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212", "Caller": "+14158675309"}


def published(platform, case):
    """Returns the case of a published vector."""
    kind = case["kind"]
    request = Request(platform, kind, {}, case["now"], case["key"])
    request.headers, request.raw = case["headers"], case["body"].encode()
    request.path = case.get("target", request.path)
    verdict = case.get("verdict", "accepted")
    expected = reply(platform, kind) if verdict == "accepted" else refusal(verdict)
    text = case_toml(case["what"], request, verdict, (200, ""), expected, case["source"], case["now"])
    return f"published_{case['name']}", text, request.body


def is_by_hand(path):
    return path.is_file() and not path.read_text().startswith(MADE)


def files(platform):
    folder = VECTORS / platform.name
    if not platform.route:
        yield folder / "gate.toml", gate_toml(platform).encode()
    for name, what, request, verdict, answer, expected in cases(platform):
        vector = folder / name.replace(":", "_")
        if platform.route and is_by_hand(vector / "case.toml"):
            continue
        yield vector / "case.toml", case_toml(what, request, verdict, answer, expected).encode()
        yield vector / "body", request.body
    for case in platform.published:
        name, text, body = published(platform, case)
        yield folder / name / "case.toml", text.encode()
        yield folder / name / "body", body


# --- platforms -------------------------------------------------------------------------------------

AGORA = '{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}'


@platform("agora", key="agora-secret", proof="header:Agora-Signature-V2", time="sent", published=[{
    "name": "hmac_sha256", "what": "the vector of Agora's documentation", "kind": "rtc_channel", "key": "secret", "now": 1560408533,
    "headers": {"Agora-Signature-V2": "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99"}, "body": AGORA,
    "source": "https://github.com/AgoraIO/Docs-Source shared/common/_enable-ncs.mdx"}])
def _(r):
    r.fields["notifyMs"] = r.now * 1000
    r.headers["Agora-Signature-V2"] = hmac_of("sha256", r.key, r.body)


@platform("alibaba-vod", key="alibaba-vod-key", proof="header:X-VOD-SIGNATURE", time="sent", covers=(),
          settings={"callback_url": "https://www.example.com/your/callback"}, published=[{
              "name": "md5", "what": "the vector of Alibaba's documentation, which hides the last four digits",
              "kind": "event", "key": "test123", "now": 1519375990,
              "headers": {"X-VOD-TIMESTAMP": "1519375990", "X-VOD-SIGNATURE": "c72b60894140fa98920f1279219b7ed4"},
              "body": '{"EventType":"AttachedMediaUploadComplete"}',
              "source": "https://www.alibabacloud.com/help/ja/vod/user-guide/http-callbacks"}])
def _(r):
    r.headers["X-VOD-TIMESTAMP"] = str(r.now)
    r.headers["X-VOD-SIGNATURE"] = md5(f"https://www.example.com/your/callback|{r.now}|{r.key}")


@platform("alibaba-live", key="alibaba-live-key", proof="header:ALI-LIVE-SIGNATURE", time="sent", covers=("app",),
          gets=("publish", "publish_done"))
def _(r):
    r.headers["Host"] = "gate.example.com"
    domain = r.fields["app"] if r.method == "GET" else "gate.example.com"
    r.headers["ALI-LIVE-TIMESTAMP"] = str(r.now)
    r.headers["ALI-LIVE-SIGNATURE"] = md5(f"{domain}|{r.now}|{r.key}")


@platform("huawei-live", key="huawei-live-key", proof="/auth_sign", time="expiry", covers=("domain", "app", "stream"))
def _(r):
    f = r.fields
    f["auth_timestamp"] = r.now + 600
    signed = f["event"] + f["domain"] + f["app"] + f["stream"] + str(f["auth_timestamp"])
    f["auth_sign"] = hmac_of("sha256", r.key, signed.encode())


@platform("volcengine-live", key="volcengine-live-key", proof="/sign", time="expiry", covers=())
def _(r):
    r.fields["t"] = r.now + 600
    r.fields["sign"] = md5(f"{r.key}{r.now + 600}")


@platform("volcengine-vod", key="volcengine-vod-key", proof="header:X-VOD-SIGNATURE", time="sent",
          settings={"callback_url": "https://www.example1.com/your/callback"})
def _(r):
    body = base64.b64encode(r.body).decode()
    r.headers["X-VOD-TIMESTAMP"] = str(r.now)
    r.headers["X-VOD-SIGNATURE"] = md5(f"https://www.example1.com/your/callback|{r.now}|{r.key}|{body}")


@platform("cloudflare-stream", key="cloudflare-stream-key", proof="header:Webhook-Signature", time="sent")
def _(r):
    r.headers["Webhook-Signature"] = f"time={r.now},sig1=" + hmac_of("sha256", r.key, f"{r.now}.".encode() + r.body)


@platform("millicast", key=base64.b64encode(b"millicast-secret-1234").decode(), proof="header:X-Millicast-Signature",
          other_key=base64.b64encode(b"another-secret-12345").decode())
def _(r):
    r.headers["X-Millicast-Signature"] = "sha1=" + hmac_of("sha1", base64.b64decode(r.key), r.body)


@platform("optiview-live", key="optiview-live-key", proof="header:x-dolby-streaming-signature", time="sent",
          renamed=("x-dolby-streaming-", "dolby-"))
def _(r):
    r.headers["x-dolby-streaming-signature"] = f"t={r.now},h=" + hmac_of("sha256", r.key, f"{r.now}.".encode() + r.body)


@platform("bunny-stream", key="bunny-read-only-key", proof="header:X-BunnyStream-Signature")
def _(r):
    r.headers["X-BunnyStream-Signature"] = hmac_of("sha256", r.key, r.body)


@platform("bitmovin", key="bitmovin-key", proof="header:Bitmovin-Signature")
def _(r):
    r.headers["Bitmovin-Signature"] = hmac_of("sha512", r.key, r.body)


@platform("daily", key=base64.b64encode(b"daily-secret-123").decode(), proof="header:X-Webhook-Signature", time="sent",
          other_key=base64.b64encode(b"another-secret-1").decode())
def _(r):
    r.headers["X-Webhook-Timestamp"] = str(r.now)
    message = f"{r.now}.".encode() + r.body
    r.headers["X-Webhook-Signature"] = hmac_of("sha256", base64.b64decode(r.key), message, "base64")


@platform("livepeer", key="livepeer-secret", proof="header:Livepeer-Signature", time="sent")
def _(r):
    r.fields["timestamp"] = r.now * 1000
    r.headers["Livepeer-Signature"] = f"t={r.now * 1000},v1=" + hmac_of("sha256", r.key, r.body)


@platform("api-video", key="api-video-key", proof="header:X-Api-Video-Signature", published=[{
    "name": "hmac_sha256", "what": "the vector of api.video's documentation, with the placeholder of its secret as the key",
    "kind": "video.encoding.quality.completed", "key": "sig_sec_0000000000000000000000", "now": NOW,
    "headers": {"X-Api-Video-WebhookID": "webhook_XXXXXXXXXXXXXXX",
                "X-Api-Video-Signature": "27a77d3a7fc626854886b5dbfae4e32c8b0170c1ea1b714c91ba77f1e7774e8c"},
    "body": '{"type":"video.encoding.quality.completed","emittedAt":"2021-01-29T15:46:25.217Z","videoId":"vi0000000000000000000000","liveStreamId":"li0000000000000000000000","encoding":"hls","quality":"720p"}',
    "source": "https://docs.api.video/reference/create-and-manage-webhooks"}])
def _(r):
    r.headers["X-Api-Video-Signature"] = hmac_of("sha256", r.key, r.body)


@platform("stripe", key="whsec_test_secret", proof="header:Stripe-Signature", time="sent")
def _(r):
    r.headers["Stripe-Signature"] = f"t={r.now},v1=" + hmac_of("sha256", r.key, f"{r.now}.".encode() + r.body)


@platform("shopify", key="shopify-client-secret", proof="header:X-Shopify-Hmac-Sha256")
def _(r):
    r.headers["X-Shopify-Hmac-Sha256"] = hmac_of("sha256", r.key, r.body, "base64")


@platform("svix", key="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", proof="header:svix-signature", time="sent",
          other_key="whsec_" + base64.b64encode(b"another-secret-of-24-byt").decode(), renamed=("svix-", "webhook-"), published=[{
              "name": "v1a", "what": "the vector of the vendor's server, by a private key", "kind": "event",
              "key": "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=", "now": 1614265330,
              "headers": {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature":
                          "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="},
              "body": '{"test": 2432232314}', "source": "https://github.com/svix/svix-webhooks server/svix-server/src/worker.rs"}, {
              "name": "v1", "what": "the vector of the vendor's libraries", "kind": "event",
              "key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "now": 1614265330,
              "headers": {"svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "svix-timestamp": "1614265330",
                          "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
              "body": '{"test": 2432232314}', "source": "https://github.com/svix/svix-webhooks go/webhook_test.go"}])
def _(r):
    r.headers["svix-timestamp"] = str(r.now)
    message = f"{r.headers['svix-id']}.{r.now}.".encode() + r.body
    key = base64.b64decode(r.key.removeprefix("whsec_"))
    r.headers["svix-signature"] = "v1," + hmac_of("sha256", key, message, "base64")


def token_in(name, key, header):
    """Adds a platform that sends the key in a header."""
    def sign(request):
        request.headers[header] = request.key
    platform(name, key=key, proof=f"header:{header}", token=True, covers=())(sign)


token_in("aws-ivs", "aws-ivs-api-key", "X-Api-Key")
token_in("cloudflare-live", "cloudflare-live-secret", "cf-webhook-auth")
token_in("gitlab", "gitlab-secret-token", "X-Gitlab-Token")
token_in("hundred-ms", "hundred-ms-token", "X-Webhook-Token")


def sign_v0(timestamp, signature):
    def sign(r):
        r.headers[timestamp] = str(r.now)
        r.headers[signature] = "v0=" + hmac_of("sha256", r.key, f"v0:{r.now}:".encode() + r.body)
    return sign


def challenge_of_zoom(r):
    token = r.fields["payload"]["plainToken"]
    return json.dumps({"plainToken": token, "encryptedToken": hmac_of("sha256", r.key, token.encode())}, separators=(",", ":"), sort_keys=True)


platform("zoom", key="zoom-secret-token", proof="header:x-zm-signature", time="sent", challenge=challenge_of_zoom)(
    sign_v0("x-zm-request-timestamp", "x-zm-signature"))

SLACK = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
platform("slack", key="slack-signing-secret", proof="header:X-Slack-Signature", time="sent",
         forms=("command", "interaction"), challenge=lambda r: r.fields["challenge"], published=[{
             "name": "command", "what": "the vector of Slack's documentation", "kind": "command",
             "key": "8f742231b10e8888abcd99yyyzzz85a5", "now": 1531420618,
             "headers": {"X-Slack-Request-Timestamp": "1531420618",
                         "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
             "body": SLACK, "source": "https://docs.slack.dev/authentication/verifying-requests-from-slack"}])(
    sign_v0("X-Slack-Request-Timestamp", "X-Slack-Signature"))


@platform("twitch", key="twitch-secret", proof="header:Twitch-Eventsub-Message-Signature", time="sent",
          challenge=lambda r: r.fields["challenge"])
def _(r):
    at = datetime.datetime.fromtimestamp(r.now, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.634234626Z")
    r.headers["Twitch-Eventsub-Message-Timestamp"] = at
    message = (r.headers["Twitch-Eventsub-Message-Id"] + at).encode() + r.body
    r.headers["Twitch-Eventsub-Message-Signature"] = "sha256=" + hmac_of("sha256", r.key, message)


@platform("livekit", key="APIabc123:livekit-secret", proof="header:Authorization", time="expiry",
          other_key="APIabc123:another-secret")
def _(r):
    name, key = r.key.split(":")
    digest = base64.b64encode(hashlib.sha256(r.body).digest()).decode()
    r.headers["Authorization"] = token_of(key, {"iss": name, "nbf": r.now - 10, "exp": r.now + 300, "sha256": digest})


@platform("vonage", key="a123456b:vonage-signature-secret", proof="header:Authorization", time="sent",
          other_key="a123456b:another-secret")
def _(r):
    name, key = r.key.split(":")
    claims = {"iat": r.now, "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5", "iss": "Vonage",
              "payload_hash": hashlib.sha256(r.body).hexdigest(), "api_key": name}
    r.headers["Authorization"] = "Bearer " + token_of(key, claims)


RSA = {"key": pem("rsa_private"), "public": pem("rsa_public"), "other_key": pem("rsa_other_private")}


@platform("kick", proof="header:Kick-Event-Signature", time="sent", **RSA)
def _(r):
    r.headers["Kick-Event-Message-Timestamp"] = rfc3339(r.now)
    message = f"{r.headers['Kick-Event-Message-Id']}.{rfc3339(r.now)}.".encode() + r.body
    r.headers["Kick-Event-Signature"] = base64.b64encode(signed_by(r.key, message)).decode()


@platform("videosdk", proof="header:videosdk-signature", **RSA)
def _(r):
    r.headers["videosdk-signature"] = base64.b64encode(signed_by(r.key, r.body)).decode()


@platform("discord", proof="header:X-Signature-Ed25519", time="sent", key=pem("ed_private"), public=pem("ed_public"),
          other_key=pem("ed_other_private"))
def _(r):
    r.headers["X-Signature-Timestamp"] = str(r.now)
    r.headers["X-Signature-Ed25519"] = signed_by(r.key, str(r.now).encode() + r.body).hex()


@platform("realtimekit", proof="header:rtk-signature", renamed=("rtk-", "dyte-"), **RSA)
def _(r):
    r.headers["rtk-signature"] = base64.b64encode(signed_by(r.key, r.body)).decode()


CERTIFICATE = RSA | {"public": pem("rsa_certificate")}


@platform("paypal", proof="header:PAYPAL-TRANSMISSION-SIG", settings={"webhook_id": "8PT597110X687430LKGECATA"}, **CERTIFICATE)
def _(r):
    r.headers["PAYPAL-TRANSMISSION-TIME"] = rfc3339(r.now)
    message = f"{r.headers['PAYPAL-TRANSMISSION-ID']}|{rfc3339(r.now)}|8PT597110X687430LKGECATA|{zlib.crc32(r.body)}"
    r.headers["PAYPAL-TRANSMISSION-SIG"] = base64.b64encode(signed_by(r.key, message.encode())).decode()


@platform("aws-sns", proof="/Signature", covers=("Message", "MessageId", "Subject", "Timestamp", "TopicArn"), **CERTIFICATE)
def _(r):
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    message = "".join(f"{name}\n{r.fields[name]}\n" for name in names if name in r.fields)
    r.fields["Signature"] = base64.b64encode(signed_by(r.key, message.encode())).decode()


SENDGRID = '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'


@platform("sendgrid", proof="header:X-Twilio-Email-Event-Webhook-Signature", key=pem("ec_private"), public=pem("ec_public"),
          other_key=pem("ec_other_private"), published=[{
              "name": "ecdsa", "what": "the vector of SendGrid's own library", "kind": "events",
              "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==",
              "now": 1600112502, "headers": {
                  "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502", "X-Twilio-Email-Event-Webhook-Signature":
                  "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="},
              "body": SENDGRID, "source": "https://github.com/sendgrid/sendgrid-python test/unit/test_eventwebhook.py"}])
def _(r):
    r.headers["X-Twilio-Email-Event-Webhook-Timestamp"] = str(r.now)
    signature = signed_by(r.key, str(r.now).encode() + r.body)
    r.headers["X-Twilio-Email-Event-Webhook-Signature"] = base64.b64encode(signature).decode()


@platform("pusher", key="pusher-app-key:pusher-app-secret", other_key="pusher-app-key:another-secret", time="sent",
          proof="header:X-Pusher-Signature", published=[{
              "name": "hmac_sha256", "what": "the vector of Pusher's own library", "kind": "events", "key": "123456789:tofu",
              "now": 1403175511, "headers": {"X-Pusher-Key": "123456789", "X-Pusher-Signature":
                                             "c17257e92037cd7de407ebc1ed174ceb7b2e518db127f44411b9ffc4f5b28cc5"},
              "body": '{"time_ms":1403175510755,"events":[{"channel":"test_channel","name":"channel_vacated"}]}',
              "source": "https://github.com/pusher/pusher-http-node tests/integration/webhook.js"}])
def _(r):
    r.fields["time_ms"] = r.now * 1000
    r.headers["X-Pusher-Key"], secret = r.key.split(":")
    r.headers["X-Pusher-Signature"] = hmac_of("sha256", secret, r.body)


@platform("jwp", key="jwp-webhook-secret", proof="header:Authorization")
def _(r):
    r.headers["Authorization"] = "Bearer " + token_of(r.key, r.fields)


@platform("youtube", key="youtube-hub-secret", proof="header:X-Hub-Signature", gets=("verification",), secret=True,
          settings={"topic": "https://www.youtube.com/xml/feeds/videos.xml?channel_id=CHANNEL_ID"},
          challenge=lambda r: r.fields["hub.challenge"])
def _(r):
    if r.kind == "notification":
        r.headers["X-Hub-Signature"] = "sha1=" + hmac_of("sha1", r.key, r.body)


VOLCENGINE_RTC = ("EventType", "EventData", "EventTime", "EventId", "AppId", "Version", "Nonce")


@platform("volcengine-rtc", key="volcengine-rtc-key", proof="/Signature", covers=VOLCENGINE_RTC)
def _(r):
    values = sorted([r.key, *(r.fields[name] for name in VOLCENGINE_RTC)])
    r.fields["Signature"] = hashlib.sha256("".join(values).encode()).hexdigest()


@platform("cloudinary", key="cloudinary-api-secret", proof="header:X-Cld-Signature", time="sent")
def _(r):
    r.headers["X-Cld-Timestamp"] = str(r.now)
    r.headers["X-Cld-Signature"] = hashlib.sha1(r.body + f"{r.now}{r.key}".encode()).hexdigest()


@platform("imagekit", key="whsec_imagekit_secret", proof="header:webhook-signature", time="sent", other_key="whsec_another")
def _(r):
    r.headers["webhook-timestamp"] = str(r.now)
    message = f"{r.headers['webhook-id']}.{r.now}.".encode() + r.body
    r.headers["webhook-signature"] = "v1," + hmac_of("sha256", r.key, message, "base64")


@platform("jaas", key="jaas-endpoint-secret", proof="header:X-Jaas-Signature", time="sent")
def _(r):
    r.headers["X-Jaas-Signature"] = f"t={r.now},v1=" + hmac_of("sha256", r.key, f"{r.now}.".encode() + r.body, "base64")


platform("frame-io", key="frame-io-signing-secret", proof="header:X-Frameio-Signature", time="sent")(
    sign_v0("X-Frameio-Request-Timestamp", "X-Frameio-Signature"))


def hmac_of_body(name, key, header):
    """Adds a platform that sends the HMAC-SHA256 of the body in hex."""
    def sign(request):
        request.headers[header] = hmac_of("sha256", request.key, request.body)
    platform(name, key=key, proof=f"header:{header}")(sign)


hmac_of_body("getstream", "stream-api-secret", "X-Signature")
hmac_of_body("sendbird", "sendbird-api-token", "x-sendbird-signature")
hmac_of_body("wistia", "wistia-secret-key", "X-Wistia-Signature")


@platform("zegocloud", key="zego-callback-secret", proof="/signature", time="sent", covers=(), published=[{
    "name": "sha1", "what": "the vector of ZEGO's documentation", "kind": "event", "key": "secret", "now": 1470820198, "headers": {},
    "body": '{"event":"room_login","timestamp":1470820198,"nonce":123412,"signature":"5bd59fd62953a8059fb7eaba95720f66d19e4517"}',
    "source": "https://doc-zh.zego.im/article/9215"}])
def _(r):
    r.fields["timestamp"] = str(r.now)
    r.fields["signature"] = hashlib.sha1("".join(sorted([r.key, str(r.now), r.fields["nonce"]])).encode()).hexdigest()


@platform("twilio", key="twilio-auth-token", proof="header:X-Twilio-Signature", published=[{
    "name": "form", "what": "the vector of Twilio's own library", "kind": "event", "key": "12345", "now": NOW,
    "target": "/myapp.php?foo=1&bar=2", "headers": {"Host": "mycompany.com", "X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
    "body": urllib.parse.urlencode(TWILIO), "source": "https://github.com/twilio/twilio-python tests/unit/test_request_validator.py"}, {
        "name": "form_with_repeated_field", "what": "the vector of Twilio's own library with a repeated field, which gatepost refuses",
        "kind": "event", "key": "12345", "now": NOW, "target": "/myapp.php?foo=1&bar=2", "verdict": "field_duplicate",
        "headers": {"Host": "mycompany.com", "X-Twilio-Signature": "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
        "body": "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
        "source": "https://github.com/twilio/twilio-python tests/unit/test_request_validator.py"}])
def _(r):
    r.headers["Host"] = "gate.example.com"
    message = "https://gate.example.com" + r.path + "".join(name + r.fields[name] for name in sorted(r.fields))
    r.headers["X-Twilio-Signature"] = hmac_of("sha1", r.key, message.encode(), "base64")


@platform("huawei-record", key="huawei-record-key", proof="/auth_sign", time="expiry", covers=("app", "stream"))
def _(r):
    f = r.fields
    f["auth_timestamp"] = r.now + 600
    names = ["auth_timestamp", "event_type", "publish_domain", "app", "stream", "download_url", "play_url"]
    f["auth_sign"] = hmac_of("sha256", r.key, "".join(str(f.get(name, "")) for name in names).encode())


@platform("qiniu-pili", key="qiniu-secret-key", proof="header:Authorization")
def _(r):
    r.headers["Host"] = "live.example.com"
    content_type = r.headers["Content-Type"]
    message = f"POST {r.path}\nHost: live.example.com\nContent-Type: {content_type}\n\n".encode() + r.body
    r.headers["Authorization"] = "Qiniu access-key:" + hmac_of("sha1", r.key, message, "base64url")


# --- platforms whose gate.toml and some vectors are written by hand ---------------------------------

@platform("ovenmediaengine", key="ome-key", proof="header:X-OME-Signature", route="/callbacks/ome")
def _(r):
    r.fields["request"]["time"] = rfc3339(r.now, ".123+00:00")
    r.headers["X-OME-Signature"] = hmac_of("sha1", r.key, r.body, "base64url").rstrip("=")


@platform("github", key="It's a Secret to Everybody", proof="header:X-Hub-Signature-256", route="/callbacks/github")
def _(r):
    r.headers["X-Hub-Signature-256"] = "sha256=" + hmac_of("sha256", r.key, r.body)


@platform("mux", key="SuperSecret123", proof="header:Mux-Signature", time="sent", route="/callbacks/mux")
def _(r):
    r.headers["Mux-Signature"] = f"t={r.now},v1=" + hmac_of("sha256", r.key, f"{r.now}.".encode() + r.body)


@platform("standard-webhooks", key="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", proof="header:webhook-signature", time="sent",
          other_key="whsec_" + base64.b64encode(b"another-secret-of-24-byt").decode(), route="/callbacks/standard-webhooks")
def _(r):
    r.headers["webhook-timestamp"] = str(r.now)
    message = f"{r.headers['webhook-id']}.{r.now}.".encode() + r.body
    key = base64.b64decode(r.key.removeprefix("whsec_"))
    r.headers["webhook-signature"] = "v1," + hmac_of("sha256", key, message, "base64")


@platform("tencent-trtc", key="123654", proof="header:Sign", route="/callbacks/trtc")
def _(r):
    r.headers["Sign"] = hmac_of("sha256", r.key, r.body, "base64")


@platform("tencent-vod", key="vod-key", proof="/Sign", time="expiry", covers=(), route="/callbacks/tencent-vod")
def _(r):
    r.fields["T"] = r.now + 600
    r.fields["Sign"] = md5(f"{r.key}{r.now + 600}")


@platform("tencent-css", key="test", proof="/sign", time="expiry", covers=(), route="/callbacks/tencent/pinned")
def _(r):
    r.fields["t"] = r.now + 600
    r.fields["sign"] = md5(f"{r.key}{r.now + 600}")


platform("mediamtx", route="/callbacks/mediamtx/mediamtx-token")(None)
platform("nginx-rtmp", route="/callbacks/nginx-rtmp/rtmp-token")(None)
platform("srs", route="/callbacks/srs/srs-token")(None)

for unsigned in ("ant-media", "gcore", "naver-live", "red5", "vdocipher", "wowza-video", "zlmediakit"):
    platform(unsigned)(None)


def main(arguments):
    check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"] or sorted(PLATFORMS)
    stale = []
    for name in names:
        written = dict(files(PLATFORMS[name]))
        others = [path for path in (VECTORS / name).glob("*/case.toml") if path not in written and not is_by_hand(path)]
        stale += [f"{path} (delete its folder)" for path in others]
        for path, contents in written.items():
            if check and (not path.is_file() or path.read_bytes() != contents):
                stale.append(str(path))
            elif not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(contents)
    if stale:
        sys.exit("\n".join(["expected the files that make.py writes, found others; run tests/vectors/make.py", *stale]))


if __name__ == "__main__":
    main(sys.argv[1:])
