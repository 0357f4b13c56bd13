#!/usr/bin/env node
// Verifies the signature stage of each vector in index.json, as README.md says: verify.mjs [INDEX]
import { createHash, createHmac, timingSafeEqual, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

const form = (text) => Object.fromEntries(new URLSearchParams(text))
// Numbers are signed as they are written, so read them as text.
const parse = (text) => JSON.parse(text.replace(/("(?:\\.|[^"\\])*")|-?\d[\d.eE+-]*/g, (found, string) => string ?? `"${found}"`))
const hash = (digest, bytes) => createHash(digest).update(bytes).digest()
const encode = (bytes, how) => (how === 'base64' ? bytes.toString('base64') : hash(how.replace('-hex', ''), bytes).toString('hex'))

// Returns bytes, or nothing if the text is not in this encoding.
function decode(text, encoding) {
  if (encoding === 'text') return Buffer.from(text)
  if (encoding === 'hex') return /^([0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : undefined
  text = text.replace(/=+$/, '')
  const fits = (encoding === 'base64' ? /^[A-Za-z0-9+/]+$/ : /^[A-Za-z0-9_-]+$/).test(text) && text.length % 4 !== 1
  return fits ? Buffer.from(text, 'base64') : undefined
}
// Returns true if the key made this proof of the message, and nothing if no key can have made it.
function verifies(digest, key, message, proof) {
  if (digest === 'none') return key.length === proof.length && timingSafeEqual(key, proof)
  if (!/^(hmac-|md5$|sha1$|sha256$)/.test(digest)) return verify(digest === 'ed25519' ? null : 'sha256', message, key.toString(), proof)
  const made = digest.startsWith('hmac-') ? createHmac(digest.slice(5), key).update(message).digest() : hash(digest, message)
  return made.length === proof.length ? timingSafeEqual(made, proof) : undefined
}

class Stage {
  constructor(vector, provider) {
    this.rule = (provider.kinds?.[vector.kind] ?? provider).signature
    const [{ request, now, signature }, { found_in: foundIn, separator, prefix, form: shape }] = [vector, this.rule]
    Object.assign(this, { now, signature, request }).body = request.body_hex ? Buffer.from(request.body_hex, 'hex') : Buffer.from(request.body)
    const [text, query] = [this.body.toString(), form(request.target.split('?')[1] ?? '')]
    const read = text === '' ? query : text.startsWith('{') ? parse(text) : form(text)
    const fields = foundIn[0].slice(1) in read ? read : read[provider.request.unwrap] ?? read
    this.values = { query, fields: typeof fields === 'string' ? parse(fields) : fields, setting: this.signature.settings }
    this.values.header = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]))
    this.given = foundIn.map((place) => this.value(place)).find(Boolean) ?? ''
    this.entries = separator ? this.given.split(separator).map((entry) => entry.trim()) : [this.given]
    if (shape === 'jwt' && this.given) this.readToken(...this.given.replace(prefix, '').split(/\.(?=[^.]*$)/))
  }
  readToken(signed, proof = '') {
    const { prefix, algorithm, body_hash: hashed } = this.rule
    const read = (part) => { try { return parse(decode(part, 'base64url').toString()) } catch { return {} } }
    const [head, claims] = signed.split('.').length === 2 ? signed.split('.').map(read) : [{}, {}]
    Object.assign(this, { signed: head.alg ? signed : '', entries: [prefix + proof] }).values.claim = claims
    const covered = decode(claims[hashed.claim] ?? '', hashed.encoding)?.equals(hash(hashed.digest, this.body))
    this.fault = head.alg !== algorithm ? 'signature_malformed' : covered ? undefined : 'signature_mismatch'
  }
  // Returns the value at a place, or nothing. Without a key, shows keys and settings as the string to sign does.
  value(place, key) {
    const [where, name] = place.startsWith('/') ? ['fields', place.slice(1)] : place.split(/:(.*)/s)
    if (where === 'body') return this.body
    if (where === 'literal') return name
    if (where === 'key' || (where === 'setting' && !key)) return key ?? `[${name ?? where}]`
    if (where === 'listed') return this.entries.find((entry) => entry.startsWith(name))?.slice(name.length)
    if (where === 'host') return this.values.header.host
    if (where === 'method' || where === 'target') return this.request[where]
    if (where.startsWith('form-')) {
      const pairs = this.body.toString().split('&').filter((pair) => !this.rule.found_in.includes('/' + pair.split('=')[0]))
      if (where === 'form-pairs') return Object.entries(form(pairs.join('&'))).map((pair) => pair.join('')).sort().join('')
      return decodeURIComponent(pairs.join('&').replaceAll('+', ' '))
    }
    const path = where === 'fields' ? name.split('/') : [where === 'header' ? name.toLowerCase() : name]
    const value = path.reduce((inner, member) => inner?.[member], this.values[where])
    return typeof value === 'string' && value.isWellFormed() ? value : undefined
  }
  // Returns the signed bytes, or nothing if a part is missing.
  message(key) {
    if (!this.given || this.signed) return this.given ? Buffer.from(this.signed) : undefined
    const { parts, sort, join } = this.rule
    const values = parts.map(({ from, as, optional }) => ({ as, value: this.value(from, key) ?? (optional ? '' : undefined) }))
    if (values.some(({ value }) => value === undefined)) return undefined
    const bytes = values.map(({ as, value }) => Buffer.from(as ? encode(Buffer.from(value), as) : value))
    if (sort) bytes.sort(Buffer.compare)
    return Buffer.concat(bytes.flatMap((part, at) => (at > 0 ? [Buffer.from(join), part] : [part])))
  }
  result() {
    const { digest, prefix, encoding, key: keyRule, time } = this.rule
    if (this.fault || !this.message()) return this.fault ?? (this.given ? 'signed_part_missing' : 'signature_missing')
    const proofs = this.entries.filter((entry) => entry.startsWith(prefix)).map((entry) => decode(entry.slice(prefix.length), encoding))
    const start = keyRule.claim ? `${this.values.claim[keyRule.claim]}:` : keyRule.prefix
    const keys = this.signature.keys.map((key) => decode(key.replace(start, ''), keyRule.encoding))
    const found = keys.flatMap((key) => proofs.filter(Boolean).map((proof) => verifies(digest, key, this.message(key), proof)))
    if (!found.includes(true)) return found.includes(false) ? 'signature_mismatch' : 'signature_malformed'
    const text = time && (this.value(time.from) ?? '')
    const age = time && this.now - (time.unit === 'rfc3339' ? Date.parse(text) / 1000 : /^-?\d+$/.test(text) ? Math.floor(text / { s: 1, ms: 1000 }[time.unit]) : NaN)
    if (Number.isNaN(age)) return 'timestamp_invalid'
    return age > time?.past_secs ? 'timestamp_expired' : -age > time?.ahead_secs ? 'timestamp_too_far_ahead' : 'valid'
  }
}
const index = JSON.parse(readFileSync(process.argv[2] ?? new URL('index.json', import.meta.url)))
const vectors = index.vectors.filter((vector) => vector.signature)
const wrong = vectors.flatMap((vector) => {
  const [stage, { result, string_to_sign: text = '', string_to_sign_hex: hex }] = [new Stage(vector, index.providers[vector.provider]), vector.signature]
  const [signed, found] = [hex ? Buffer.from(hex, 'hex') : Buffer.from(text), stage.message() ?? Buffer.alloc(0)]
  return stage.result() === result && signed.equals(found) ? [] : [`${vector.name}: expected ${result} of ${signed}, found ${stage.result()} of ${found}`]
})
console.log([...wrong, `${vectors.length - wrong.length} of ${vectors.length} vectors agree`].join('\n'))
process.exit(wrong.length > 0 ? 1 : 0)
