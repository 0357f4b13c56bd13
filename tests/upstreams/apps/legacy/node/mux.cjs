// A handler in which Mux's SDK verifies the signature.
// The SDK uses the global `crypto`, which Node 18 does not have.
globalThis.crypto ??= require('node:crypto').webcrypto;
const { Mux } = require('@mux/mux-node');
const express = require('express');

const app = express();
const mux = new Mux({ tokenId: 'id', tokenSecret: 'secret', webhookSecret: process.env.LEGACY_KEY });
app.post('/webhooks/mux', express.text({ type: '*/*' }), async (request, response) => {
  try {
    const event = await mux.webhooks.unwrap(request.body, request.headers);
    response.json({ received: event.type });
  } catch (error) {
    response.status(400).send(`Webhook Error: ${error.message}`);
  }
});
app.listen(Number(process.env.PORT), '127.0.0.1');
