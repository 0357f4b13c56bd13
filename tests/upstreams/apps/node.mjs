// A server on node:http that builds the URL of the request from the header `Host`, as many apps do.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const events = ['/live/push', '/callbacks/tencent', '/hooks/tencent'];

const server = createServer((request, response) => {
  let path = '/';
  try {
    path = new URL(`http://${request.headers.host}${request.url}`).pathname;
  } catch {}
  if (events.includes(path)) {
    const { 'x-probe': probe = '-', 'ce-type': type = '-' } = request.headers;
    appendFileSync(process.env.HANDLED, `${probe} ${type}\n`);
  }
  request.resume().on('end', () => response.end('passed\n'));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
