#!/usr/bin/env node
// Verifies the signature stage of each vector in INDEX, by default index.json, as README.md describes: verify.mjs [INDEX]
import { createHash, createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { gzipSync } from 'node:zlib'
const form = (text) => Object.fromEntries(new URLSearchParams(text))
const parse = (text) => JSON.parse(text.replace(/("(?:\\.|[^"\\])*")|-?\d[\d.eE+-]*/g, (found, string) => string ?? `"${found}"`)) // A platform signs a number as written.
const crc32 = (bytes) => gzipSync(bytes).subarray(-8).readUInt32LE() // zlib.crc32 needs Node 22. A gzip file ends with the CRC-32 and the length.
const hash = (digest, bytes) => createHash(digest).update(bytes).digest()
const encode = (bytes, how) => ({ base64: () => bytes.toString('base64'), crc32: () => `${crc32(bytes)}` }[how] ?? (() => hash(how.replace('-hex', ''), bytes).toString('hex')))()
function decode(text, encoding) { // Returns bytes, or nothing if the text is not in this encoding.
  if (encoding === 'text') return Buffer.from(text)
  if (encoding === 'hex') return /^([0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : undefined
  const digits = encoding === 'base64' ? /^[A-Za-z0-9+/]+$/ : /^[A-Za-z0-9_-]+$/
  return digits.test((text = text.replace(/=+$/, ''))) && text.length % 4 !== 1 ? Buffer.from(text, 'base64') : undefined
}
function publicKey(key) {
  if (key.startsWith('-----BEGIN')) return createPublicKey(key)
  const bytes = Buffer.from(key, 'base64')
  const hex = (bytes.length === 32 ? '302a300506032b6570032100' : '') + bytes.toString('hex') // Ed25519
  return createPublicKey({ key: Buffer.from(hex, 'hex'), format: 'der', type: 'spki' })
}
function verifies(digest, key, message, proof) { // Returns true if the key made this signature, and nothing if no key can have made it.
  if (digest === 'none') return key.length === proof.length && timingSafeEqual(key, proof)
  if (!/^(hmac-|md5$|sha1$|sha256$)/.test(digest)) return verify(digest === 'ed25519' ? null : 'sha256', message, publicKey(key.toString()), proof)
  const made = digest.startsWith('hmac-') ? createHmac(digest.slice(5), key).update(message).digest() : hash(digest, message)
  return made.length === proof.length ? timingSafeEqual(made, proof) : undefined
}
class Stage {
  constructor(vector, provider) {
    this.rule = { ...(provider.kinds?.[vector.kind] ?? provider).signature, ...(vector.signature.time && { time: vector.signature.time }) }
    const [{ request, now, signature }, { found_in: foundIn, separator, prefix, form: shape }] = [vector, this.rule]
    Object.assign(this, { now, signature, request }).body = request.body_hex ? Buffer.from(request.body_hex, 'hex') : Buffer.from(request.body)
    const [text, query] = [this.body.toString(), form(request.target.split('?')[1] ?? '')], read = text === '' ? query : text.startsWith('{') ? parse(text) : form(text)
    const fields = foundIn[0].slice(1) in read ? read : read[provider.request.unwrap] ?? read
    const header = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]))
    this.values = { query, header, fields: typeof fields === 'string' ? parse(fields) : fields, setting: signature.settings }
    this.given = foundIn.map((place) => this.value(place)).find(Boolean) ?? ''
    this.entries = separator ? this.given.split(separator).map((entry) => entry.trim()) : [this.given]
    if (shape === 'jwt' && this.given) this.readToken(...this.given.replace(prefix, '').split(/\.(?=[^.]*$)/))
  }
  readToken(signed, proof = '') {
    const { prefix, algorithm, body_hash: hashed } = this.rule
    const read = (part) => { try { return parse(decode(part, 'base64url').toString()) } catch { return {} } }
    const [head, claims] = signed.split('.').length === 2 ? signed.split('.').map(read) : [{}, {}]
    Object.assign(this, { signed: head.alg ? signed : '', entries: [prefix + proof] }).values.claim = claims
    const extra = Object.entries(claims).filter(([claim]) => ['aud', 'exp', 'iat', 'iss', 'jti', 'nbf', 'sub'].includes(claim))
    const whole = { ...Object.fromEntries(extra), ...this.values.fields }
    const covered = hashed ? decode(claims[hashed.claim] ?? '', hashed.encoding)?.equals(hash(hashed.digest, this.body)) : isDeepStrictEqual(claims, whole)
    this.fault = head.alg !== algorithm ? 'signature_malformed' : covered ? undefined : 'signature_mismatch'
  }
  value(place, key) { // Returns the value at a place, or nothing. Without a key, shows keys and settings in brackets.
    if (place.includes(' | ')) return place.split(' | ').map((each) => this.value(each, key)).find(Boolean)
    const [where, name] = place.startsWith('/') ? ['fields', place.slice(1)] : place.split(/:(.*)/s)
    if (where === 'body' || where === 'literal') return name ?? this.body
    if (where === 'key' || (where === 'setting' && !key)) return key ?? `[${name ?? where}]`
    if (where === 'listed') return this.entries.find((entry) => entry.startsWith(name))?.slice(name.length)
    if (['host', 'method', 'target'].includes(where)) return { ...this.request, host: this.values.header.host }[where]
    if (where.startsWith('form-')) {
      const pairs = this.body.toString().split('&').filter((pair) => !this.rule.found_in.includes('/' + pair.split('=')[0]))
      const sorted = () => Object.entries(form(pairs.join('&'))).map((pair) => pair.join('')).sort().join('')
      return where === 'form-pairs' ? sorted() : decodeURIComponent(pairs.join('&').replaceAll('+', ' '))
    }
    const path = where === 'fields' ? name.split('/') : [where === 'header' ? name.toLowerCase() : name]
    const value = path.reduce((inner, member) => inner?.[member], this.values[where])
    return typeof value === 'string' && !/\p{Surrogate}/u.test(value) ? value : undefined
  }
  message(key) { // Returns the signed bytes, or nothing if a part is missing.
    if (!this.given || this.signed) return this.given ? Buffer.from(this.signed) : undefined
    const { parts, sort, join } = this.rule
    const values = parts.map((part) => ({ ...part, value: this.value(part.from, key) })).filter(({ value, optional }) => value !== undefined || !optional)
    if (values.some(({ value }) => value === undefined)) return undefined
    const bytes = values.map(({ as, value, before = '' }) => Buffer.concat([Buffer.from(before), Buffer.from(as ? encode(Buffer.from(value), as) : value)]))
    return Buffer.concat((sort ? bytes.sort(Buffer.compare) : bytes).flatMap((part, at) => (at > 0 ? [Buffer.from(join), part] : [part])))
  }
  result() {
    const { encoding, key: keyRule, also, time } = this.rule
    if (this.fault || !this.message()) return this.fault ?? (this.given ? 'signed_part_missing' : 'signature_missing')
    const id = keyRule.claim ? this.values.claim[keyRule.claim] : keyRule.id && this.value(keyRule.id)
    const found = this.signature.keys.flatMap((text) => {
      const { digest, prefix, key: form } = also && text.startsWith(also.key.prefix) ? also : this.rule
      const key = decode(text.replace(keyRule.claim || keyRule.id ? `${id}:` : form.prefix, ''), form.encoding)
      const proofs = this.entries.filter((entry) => entry.startsWith(prefix)).map((entry) => decode(entry.slice(prefix.length), encoding))
      return proofs.filter(Boolean).map((proof) => verifies(digest, key, this.message(key), proof))
    })
    if (!found.includes(true)) return found.includes(false) ? 'signature_mismatch' : 'signature_malformed'
    const text = time && (this.value(time.from) ?? '')
    const age = time && this.now - (time.unit === 'rfc3339' ? Date.parse(text) / 1000 : /^-?\d+$/.test(text) ? Math.floor(text / { s: 1, ms: 1000 }[time.unit]) : NaN)
    return Number.isNaN(age) ? 'timestamp_invalid' : age > time?.past_secs ? 'timestamp_expired' : -age > time?.ahead_secs ? 'timestamp_too_far_ahead' : 'valid'
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
