// Handlers that verify the signature of the body as received.
const { createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');

const app = express();
const key = process.env.LEGACY_KEY;

function equal(found, expected) {
  return found?.length === expected.length && timingSafeEqual(Buffer.from(found), Buffer.from(expected));
}

const raw = express.raw({ type: '*/*' });
app.post('/ome/admission', raw, (request, response) => {
  const expected = createHmac('sha1', key).update(request.body).digest('base64url');
  if (!equal(request.get('x-ome-signature'), expected)) return response.sendStatus(401);
  const { url, status } = JSON.parse(request.body).request;
  if (status === 'closing') return response.json({});
  if (url.includes('token=abc')) return response.json({ allowed: true });
  response.status(403).json({ allowed: false, reason: 'unknown token' });
});

app.post('/mux', raw, (request, response) => {
  const { t, v1 } = Object.fromEntries((request.get('mux-signature') ?? '').split(',').map((part) => part.split('=')));
  const expected = createHmac('sha256', key).update(`${t}.${request.body}`).digest('hex');
  if (!equal(v1, expected)) return response.status(400).send('invalid signature');
  response.send('ok');
});

app.use(express.json({ verify: (request, _response, body) => (request.rawBody = body) }));
app.post('/github', (request, response) => {
  const expected = `sha256=${createHmac('sha256', key).update(request.rawBody).digest('hex')}`;
  if (!equal(request.get('x-hub-signature-256'), expected)) return response.status(401).send('Unauthorized');
  response.status(202).send(`Accepted ${request.get('x-github-event')}`);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
