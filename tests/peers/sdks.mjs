// Compares the signature results of the vectors with those of the platforms' own libraries.
// Usage: sdks.mjs INDEX.
// tests/peers/install installs the libraries. Skips vectors with a wrong time, because the libraries
// have other rules for the age of a callback. Skips vectors without a body or with a repeated header,
// because the libraries do not accept them. Skips vectors with a signature `v1a`, because the libraries of
// Standard Webhooks and Svix verify only `v1`.
import { createPublicKey, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import ImageKit from '@imagekit/nodejs'
import { verify as verifyGithub } from '@octokit/webhooks-methods'
import Mux from '@mux/mux-node'
import cloudinary from 'cloudinary'
import { verifyKey } from 'discord-interactions'
import { WebhookReceiver } from 'livekit-server-sdk'
import qiniu from 'qiniu'
import { Webhook } from 'standardwebhooks'
import { StreamChat } from 'stream-chat'
import Stripe from 'stripe'
import { Webhook as Svix } from 'svix'
import twilio from 'twilio'

// Some libraries use the global `crypto`, which Node 18 does not have.
globalThis.crypto ??= webcrypto

// Each function takes the body, the headers and one key of a vector. If the library refuses the
// request, the function throws, or returns or resolves to false.
const libraries = {
  cloudinary: ({ body, headers, key }) => {
    cloudinary.v2.config({ api_secret: key })
    return cloudinary.v2.utils.verifyNotificationSignature(body, Number(headers['x-cld-timestamp']), headers['x-cld-signature'])
  },
  discord: ({ body, headers, key }) => {
    const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
    return verifyKey(body, headers['x-signature-ed25519'], headers['x-signature-timestamp'], raw)
  },
  getstream: ({ body, headers, key }) => new StreamChat('key', key).verifyWebhook(body, headers['x-signature']),
  github: ({ body, headers, key }) => verifyGithub(key, body, headers['x-hub-signature-256']),
  imagekit: ({ body, headers, key }) => new ImageKit({ privateKey: 'private' }).webhooks.unwrap(body, { headers, key }) !== undefined,
  livekit: async ({ body, headers, key }) => {
    await new WebhookReceiver(...key.split(':')).receive(body, headers.authorization)
    return true
  },
  mux: async ({ body, headers, key }) => {
    await new Mux({ tokenId: 'id', tokenSecret: 'secret', webhookSecret: key }).webhooks.verifySignature(body, headers)
    return true
  },
  'qiniu-pili': ({ body, headers, key, target }) => {
    const mac = new qiniu.auth.digest.Mac('access-key', key)
    const rest = { reqMethod: 'POST', reqContentType: headers['content-type'] }
    return qiniu.util.isQiniuCallback(mac, `http://${headers.host}${target}`, body, headers.authorization, rest)
  },
  'standard-webhooks': ({ body, headers, key }) => new Webhook(key).verify(body, headers) !== undefined,
  stripe: ({ body, headers, key }) => new Stripe('key').webhooks.constructEvent(body, headers['stripe-signature'], key) !== undefined,
  svix: ({ body, headers, key }) => new Svix(key).verify(body, headers) !== undefined,
  twilio: ({ body, headers, key, target }) => {
    const fields = Object.fromEntries(new URLSearchParams(body))
    return twilio.validateRequest(key, headers['x-twilio-signature'], `https://${headers.host}${target}`, fields)
  },
}

const RealDate = Date
// Sets the clock, which the libraries read, to a time in Unix seconds.
function setClock(seconds) {
  globalThis.Date = class extends RealDate {
    constructor(...rest) {
      super(...(rest.length > 0 ? rest : [seconds * 1000]))
    }
    static now() {
      return seconds * 1000
    }
  }
}

async function accepts(library, vector) {
  const { request, signature, now } = vector
  const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]))
  setClock(now)
  for (const key of signature.keys) {
    try {
      if (await library({ body: request.body, headers, key, target: request.target })) return true
    } catch (error) {
      // Some libraries parse the body as JSON after they have verified the signature. Any other error is a refusal.
      if (error instanceof SyntaxError) return true
    }
  }
  return false
}

const wrong = []
let count = 0
for (const vector of JSON.parse(readFileSync(process.argv[2])).vectors) {
  const library = libraries[vector.provider]
  const result = vector.signature?.result
  const names = vector.request.headers.map(([name]) => name.toLowerCase())
  const hasV1a = vector.request.headers.some(([name, value]) => name.toLowerCase().endsWith('-signature') && value.includes('v1a,'))
  const isUnfit = !vector.request.body || new Set(names).size < names.length || hasV1a
  if (!library || !result || result.startsWith('timestamp') || isUnfit) continue
  count += 1
  const found = await accepts(library, vector)
  if (found !== (result === 'valid')) wrong.push(`${vector.name}: expected ${result}, found that the library ${found ? 'accepts' : 'refuses'} it`)
}
console.log([...wrong, `${count - wrong.length} of ${count} vectors agree with ${Object.keys(libraries).length} libraries`].join('\n'))
process.exit(wrong.length > 0 ? 1 : 0)
