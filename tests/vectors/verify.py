#!/usr/bin/env python3
"""Verifies the signature stage of each vector in INDEX, by default index.json, as README.md describes: verify.py [INDEX]"""
import base64, datetime, hashlib, hmac, json, pathlib, re, sys, zlib
from urllib.parse import parse_qsl, unquote_plus, urlsplit
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
form = lambda text: dict(parse_qsl(text, keep_blank_values=True))
parse = lambda text: json.loads(text, parse_int=str, parse_float=str)  # Numbers are signed as they are written.
raw = lambda text: text.encode(errors="surrogateescape")
encode = lambda raw, how: {"base64": lambda: base64.b64encode(raw).decode(), "crc32": lambda: str(zlib.crc32(raw))}.get(
    how, lambda: hashlib.new(how.removesuffix("-hex"), raw).hexdigest())()
def decode(text, encoding):  # Returns bytes, or None if the text is not in this encoding.
    if encoding in ("text", "hex"):
        return raw(text) if encoding == "text" else bytes.fromhex(text) if re.fullmatch("([0-9a-fA-F]{2})+", text) else None
    text, signs = text.rstrip("="), "+/" if encoding == "base64" else "-_"
    fits = re.fullmatch(f"[A-Za-z0-9{signs}]+", text) and len(text) % 4 != 1
    return base64.b64decode(text + "=" * (-len(text) % 4), signs.encode()) if fits else None
def public_key(key):
    if key.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(key).public_key() if b"CERTIFICATE" in key else serialization.load_pem_public_key(key)
    der = base64.b64decode(key)
    return serialization.load_der_public_key(bytes.fromhex("302a300506032b6570032100") + der if len(der) == 32 else der)
def verifies(digest, key, message, proof):  # Returns True if the key made this signature, and None if no key can have made it.
    if digest.startswith("hmac-") or digest in ("none", "md5", "sha1", "sha256"):
        made = hmac.digest(key, message, digest[5:]) if "-" in digest else key if digest == "none" else hashlib.new(digest, message).digest()
        return hmac.compare_digest(made, proof) if digest == "none" or len(made) == len(proof) else None
    rest = {"rsa-sha256": (padding.PKCS1v15(), hashes.SHA256()), "ecdsa-p256-sha256": (ec.ECDSA(hashes.SHA256()),), "ed25519": ()}
    try:
        return public_key(key).verify(proof, message, *rest[digest]) is None
    except Exception:  # cryptography.exceptions.InvalidSignature
        return False
class Stage:
    def __init__(self, vector, provider):
        self.rule = provider.get("kinds", {}).get(vector.get("kind"), provider)["signature"] | {"time": t for t in [vector["signature"].get("time")] if t}
        self.now, self.signature, self.request, self.signed, self.fault = vector["now"], vector["signature"], vector["request"], None, None
        request, found_in, query = vector["request"], self.rule["found_in"], form(urlsplit(vector["request"]["target"]).query)
        self.body = request["body"] if "body" in request else bytes.fromhex(request["body_hex"]).decode(errors="surrogateescape")
        fields = (parse(self.body) if self.body[:1] == "{" else form(self.body)) if self.body else query
        fields = fields if found_in[0][1:] in fields else fields.get(provider["request"].get("unwrap"), fields)
        self.values = {"": parse(fields) if isinstance(fields, str) else fields, "query": query, "setting": self.signature["settings"],
                       "header": {name.lower(): value for name, value in request["headers"]}}
        self.given = next(filter(None, map(self.text, found_in)), "")
        self.entries = [entry.strip() for entry in self.given.split(self.rule["separator"])] if "separator" in self.rule else [self.given]
        if self.rule.get("form") == "jwt" and self.given: self.read_token(*self.given.removeprefix(self.rule["prefix"]).rpartition(".")[::2])
    def read_token(self, signed, proof):
        read = lambda part: parse(decode(part, "base64url") or b"{}")
        head, claims = map(read, signed.split(".")) if signed.count(".") == 1 else ({}, {})
        self.signed, self.entries, self.values["claim"], rule = signed if head else "", [self.rule["prefix"] + proof], claims, self.rule
        extra = {claim: claims[claim] for claim in {"aud", "exp", "iat", "iss", "jti", "nbf", "sub"} & claims.keys()}
        hashed, body = rule.get("body_hash"), raw(self.body)
        covered = decode(claims.get(hashed["claim"], ""), hashed["encoding"]) == hashlib.new(hashed["digest"], body).digest() if hashed else (
            claims == extra | self.values[""])
        self.fault = "signature_malformed" if head.get("alg") != rule["algorithm"] else None if covered else "signature_mismatch"
    def text(self, place, key=None):  # Returns the text at a place, or None. Without a key, shows keys and settings in brackets.
        if " | " in place: return next(filter(None, [self.text(each, key) for each in place.split(" | ")]), None)
        where, _, name = place.partition("/" if place[0] == "/" else ":")
        if where in ("body", "method", "target", "host", "key", "form-text", "form-pairs", "literal", "listed"):
            pairs = [pair for pair in self.body.split("&") if "/" + pair.split("=")[0] not in self.rule["found_in"]]
            own = {"body": self.body, "key": key or "[key]", "form-text": unquote_plus("&".join(pairs)), "literal": name, "host": self.values["header"].get("host"),
                   "form-pairs": "".join(name + value for name, value in sorted(form("&".join(pairs)).items())),
                   "listed": next((entry[len(name):] for entry in self.entries if entry.startswith(name)), None)}
            return {**self.request, **own}[where]
        value = {name: f"[{name}]"} if where == "setting" and key is None else self.values[where]
        for member in [name.lower()] if where == "header" else [name] if where else name.split("/"):
            value = value.get(member) if isinstance(value, dict) else None
        return value if isinstance(value, str) and not re.search("[\ud800-\udfff]", value) else None
    def message(self, key=None):  # Returns the signed text, or None if a part of it is missing.
        parts = [(self.text(part["from"], key), part) for part in self.rule["parts"]]
        is_whole = self.given and all(text is not None or part.get("optional") for text, part in parts)
        texts = [part.get("before", "") + (encode(raw(text), part["as"]) if "as" in part else text) for text, part in parts if text is not None]
        return self.signed or (self.rule["join"].join(sorted(texts, key=raw) if self.rule["sort"] else texts) if is_whole else None)
    def result(self):
        rule, key_rule, also = self.rule, self.rule["key"], self.rule.get("also")
        if self.message() is None or self.fault:
            return self.fault or ("signed_part_missing" if self.given else "signature_missing")
        place, found = key_rule.get("id") or "claim:" + key_rule["claim"] if {"id", "claim"} & key_rule.keys() else None, []
        for key in self.signature["keys"]:
            scheme, form = (also, also["key"]) if also and key.startswith(also["key"]["prefix"]) else (rule, key_rule)
            secret = decode(key.removeprefix(f"{self.text(place)}:" if place else form["prefix"]), form["encoding"])
            proofs = [decode(e[len(scheme["prefix"]):], rule["encoding"]) for e in self.entries if e.startswith(scheme["prefix"])]
            message = raw(self.message(secret.decode(errors="surrogateescape")))
            found += [verifies(scheme["digest"], secret, message, proof) for proof in proofs if proof is not None]
        failed = "signature_mismatch" if False in found else "signature_malformed"
        return failed if True not in found else self.age() if "time" in rule else "valid"
    def age(self):
        rule, at = self.rule["time"], self.text(self.rule["time"]["from"])
        try:
            age = self.now - (datetime.datetime.fromisoformat(at).timestamp() if rule["unit"] == "rfc3339" else int(at) // {"s": 1, "ms": 1000}[rule["unit"]])
        except (TypeError, ValueError):
            return "timestamp_invalid"
        return "timestamp_expired" if age > rule["past_secs"] else "timestamp_too_far_ahead" if -age > rule["ahead_secs"] else "valid"
index = json.loads(pathlib.Path([pathlib.Path(__file__).parent / "index.json", *sys.argv[1:]][-1]).read_text())
vectors, wrong = [vector for vector in index["vectors"] if "signature" in vector], []
for vector in vectors:
    stage, given = Stage(vector, index["providers"][vector["provider"]]), vector["signature"]
    signed = given.get("string_to_sign", bytes.fromhex(given.get("string_to_sign_hex", "")).decode(errors="surrogateescape"))
    agrees = (stage.result(), stage.message() or "") == (given["result"], signed)
    wrong += [] if agrees else [f"{vector['name']}: expected {given['result']} of {signed!r}, found {stage.result()} of {stage.message()!r}"]
sys.exit(print(*wrong, f"{len(vectors) - len(wrong)} of {len(vectors)} vectors agree", sep="\n") or bool(wrong))
