// SIGNING_SECRET=whsec_… node examples/node/verified.mjs 3000
// An app that clients can reach without gatepost: it accepts an event only with a valid signature. The config of
// gatepost has signing_secret = { env = "SIGNING_SECRET" }. Install the library with npm install standardwebhooks.
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.SIGNING_SECRET);

createServer(async (request, response) => {
  try {
    const event = webhook.verify(await buffer(request), request.headers);
    console.error(request.headers['ce-type'], event);
    response.statusCode = 204;
  } catch (error) {
    console.error(error.message);
    response.statusCode = 401;
  }
  response.end();
}).listen(Number(process.argv[2] ?? 3000), '127.0.0.1');
