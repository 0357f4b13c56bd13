// node examples/node/server.mjs 3000
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

createServer(async (request, response) => {
  const type = request.headers['ce-type']; // only gatepost can set this header
  if (!type) return response.end('hello\n'); // not an event: your own pages
  const event = await json(request);
  console.log(type, request.headers['ce-id'], request.headers['ce-source']);
  if (type !== 'com.kollus.live_play') return response.end();
  const may = event.client_user_id === 'user01';
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(may ? { allow: true } : { allow: false, message: 'Please buy a ticket' }));
}).listen(Number(process.argv[2] ?? 3000), '127.0.0.1');
