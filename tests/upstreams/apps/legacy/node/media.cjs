// Handlers for two open-source media servers: SRS reads `code` of the response, nginx-rtmp reads the status.
const { createServer } = require('node:http');

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk)).on('end', () => answer(request.url, body, response));
});
server.listen(Number(process.env.PORT), '127.0.0.1');

function answer(url, body, response) {
  if (url.startsWith('/api/v1/streams')) {
    const { action, param } = JSON.parse(body);
    const allowed = action === 'on_publish' && param === '?token=abc';
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ code: allowed ? 0 : 1 }));
  } else {
    const form = new URLSearchParams(body);
    response.statusCode = form.get('call') === 'publish' && form.get('name') === 'livestream' ? 200 : 403;
    response.end();
  }
}
