// node examples/node/server.mjs 3000
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';

createServer(async (request, response) => {
  const type = request.headers['ce-type']; // only gatepost can set it
  if (!type) return response.writeHead(403).end();
  const event = await json(request);
  console.log(type, request.headers['ce-id'], request.headers['ce-source']);
  response.setHeader('content-type', 'application/json');
  if (type === 'com.kollus.live_play') {
    const allow = event.client_user_id === 'user01';
    return response.end(JSON.stringify({ allow, message: 'Please buy a ticket' }));
  }
  response.end();
}).listen(Number(process.argv[2] ?? 3000), '127.0.0.1');
