#!/usr/bin/env python3
"""Verifies the signature stage of each vector in index.json, as README.md says: verify.py [INDEX]"""
import base64, datetime, hashlib, hmac, json, pathlib, re, sys
from urllib.parse import parse_qsl, unquote_plus, urlsplit

form = lambda text: dict(parse_qsl(text, keep_blank_values=True))
parse = lambda text: json.loads(text, parse_int=str, parse_float=str)  # Numbers are signed as they are written.
raw = lambda text: text.encode(errors="surrogateescape")
encode = lambda raw, how: base64.b64encode(raw).decode() if how == "base64" else hashlib.new(how.removesuffix("-hex"), raw).hexdigest()
def decode(text, encoding):
    """Returns bytes, or None if the text is not in this encoding."""
    if encoding in ("text", "hex"):
        return raw(text) if encoding == "text" else bytes.fromhex(text) if re.fullmatch("([0-9a-fA-F]{2})+", text) else None
    text, signs = text.rstrip("="), "+/" if encoding == "base64" else "-_"
    fits = re.fullmatch(f"[A-Za-z0-9{signs}]+", text) and len(text) % 4 != 1
    return base64.b64decode(text + "=" * (-len(text) % 4), signs.encode()) if fits else None
def verifies(digest, key, message, proof):
    """Returns true if the key made this proof of the message, and None if no key can have made it."""
    if digest.startswith("hmac-") or digest in ("none", "md5", "sha1", "sha256"):
        made = hmac.digest(key, message, digest[5:]) if "-" in digest else key if digest == "none" else hashlib.new(digest, message).digest()
        return hmac.compare_digest(made, proof) if digest == "none" or len(made) == len(proof) else None
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    rest = {"rsa-sha256": (padding.PKCS1v15(), hashes.SHA256()), "ecdsa-p256-sha256": (ec.ECDSA(hashes.SHA256()),)}
    try:
        return serialization.load_pem_public_key(key).verify(proof, message, *rest.get(digest, ())) is None
    except Exception:  # cryptography.exceptions.InvalidSignature
        return False

class Stage:
    def __init__(self, vector, provider):
        self.rule = provider.get("kinds", {}).get(vector.get("kind"), provider)["signature"]
        self.now, self.signature, self.request, self.signed, self.fault = vector["now"], vector["signature"], vector["request"], None, None
        request, found_in, query = vector["request"], self.rule["found_in"], form(urlsplit(vector["request"]["target"]).query)
        self.body = request["body"] if "body" in request else bytes.fromhex(request["body_hex"]).decode(errors="surrogateescape")
        fields = (parse(self.body) if self.body[:1] == "{" else form(self.body)) if self.body else query
        fields = fields if found_in[0][1:] in fields else fields.get(provider["request"].get("unwrap"), fields)
        self.values = {"": parse(fields) if isinstance(fields, str) else fields, "query": query, "setting": self.signature["settings"]}
        self.values["header"] = {name.lower(): value for name, value in request["headers"]}
        self.given = next(filter(None, map(self.text, found_in)), "")
        self.entries = [entry.strip() for entry in self.given.split(self.rule["separator"])] if "separator" in self.rule else [self.given]
        if self.rule.get("form") == "jwt" and self.given:
            self.read_token(*self.given.removeprefix(self.rule["prefix"]).rpartition(".")[::2])
    def read_token(self, signed, proof):
        try:
            head, claims = (parse(decode(part, "base64url")) for part in signed.split("."))
        except (TypeError, ValueError):
            head, claims, signed = {}, {}, ""
        self.signed, self.entries, self.values["claim"], rule = signed, [self.rule["prefix"] + proof], claims, self.rule
        hashed, digest = rule["body_hash"], hashlib.new(rule["body_hash"]["digest"], raw(self.body)).digest()
        covered = decode(claims.get(hashed["claim"], ""), hashed["encoding"]) == digest
        self.fault = "signature_malformed" if head.get("alg") != rule["algorithm"] else None if covered else "signature_mismatch"
    def text(self, place, key=None):
        """Returns the text at a place, or None. Without a key, shows keys and settings as the string to sign does."""
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
    def message(self, key=None):
        """Returns the signed text, or None if a part of it is missing."""
        parts = [(self.text(part["from"], key), part) for part in self.rule["parts"]]
        is_whole = self.given and all(text is not None or part.get("optional") for text, part in parts)
        texts = [encode(raw(text), part["as"]) if "as" in part else text for text, part in parts if text is not None]
        return self.signed or (self.rule["join"].join(sorted(texts, key=raw) if self.rule["sort"] else texts) if is_whole else None)
    def result(self):
        rule, key_rule = self.rule, self.rule["key"]
        if self.message() is None or self.fault:
            return self.fault or ("signed_part_missing" if self.given else "signature_missing")
        proofs = [decode(e.removeprefix(rule["prefix"]), rule["encoding"]) for e in self.entries if e.startswith(rule["prefix"])]
        start = f"{self.text('claim:' + key_rule['claim'])}:" if "claim" in key_rule else key_rule["prefix"]
        keys = [decode(key.removeprefix(start), key_rule["encoding"]) for key in self.signature["keys"]]
        messages = [(key, raw(self.message(key.decode(errors="surrogateescape")))) for key in keys]
        found = [verifies(rule["digest"], *message, proof) for message in messages for proof in proofs if proof is not None]
        if True not in found:
            return "signature_mismatch" if False in found else "signature_malformed"
        return self.age() if "time" in rule else "valid"
    def age(self):
        rule, at = self.rule["time"], self.text(self.rule["time"]["from"])
        try:
            age = self.now - (datetime.datetime.fromisoformat(at).timestamp() if rule["unit"] == "rfc3339" else
                              int(at) // {"s": 1, "ms": 1000}[rule["unit"]])
        except (TypeError, ValueError):
            return "timestamp_invalid"
        return "timestamp_expired" if age > rule["past_secs"] else "timestamp_too_far_ahead" if -age > rule["ahead_secs"] else "valid"

index = json.loads(pathlib.Path([pathlib.Path(__file__).parent / "index.json", *sys.argv[1:]][-1]).read_text())
vectors, wrong = [vector for vector in index["vectors"] if "signature" in vector], []
for vector in vectors:
    stage, given = Stage(vector, index["providers"][vector["provider"]]), vector["signature"]
    signed = given.get("string_to_sign", bytes.fromhex(given.get("string_to_sign_hex", "")).decode(errors="surrogateescape"))
    if (stage.result(), stage.message() or "") != (given["result"], signed):
        wrong.append(f"{vector['name']}: expected {given['result']} of {signed!r}, found {stage.result()} of {stage.message()!r}")
sys.exit(print(*wrong, f"{len(vectors) - len(wrong)} of {len(vectors)} vectors agree", sep="\n") or bool(wrong))
