// Runs before each Node app (--require). Makes the app's server fail, or changes its answers, as real
// apps do. The test writes the name of the failure or change into the file `mode`.
const { readFileSync } = require('node:fs');
const { Server } = require('node:http');
const { gzipSync } = require('node:zlib');

const fail = {
  'status 500'(response) {
    response.writeHead(500, { 'content-type': 'text/html' });
    response.end('<pre>Error: connect ECONNREFUSED</pre>');
  },
  'redirect to login': (response) => response.writeHead(302, { location: '/login' }).end(),
  empty: (response) => response.end(),
  'status 204': (response) => response.writeHead(204).end(),
  'error as JSON'(response) {
    response.setHeader('content-type', 'application/json');
    response.end('{"status":400,"error":"db down"}');
  },
  'closed connection': (response) => response.socket.destroy(),
};
const disturb = {
  slow: (response, next) => setTimeout(next, 1400),
  session(response, next) {
    response.setHeader('set-cookie', ['sid=one-session-of-the-test; Path=/; HttpOnly', 'lang=ko']);
    next();
  },
  compressed(response, next) {
    const { end } = response;
    response.end = (body) => {
      response.removeHeader('content-length');
      response.setHeader('content-encoding', 'gzip');
      return end.call(response, gzipSync(body ?? ''));
    };
    next();
  },
};

function mode() {
  try {
    return readFileSync(`${process.env.FOLDER}/mode`, 'utf8');
  } catch {
    return '';
  }
}

const { emit } = Server.prototype;
Server.prototype.emit = function (event, request, response) {
  const next = () => emit.apply(this, arguments);
  if (event !== 'request') return next();
  const failure = mode();
  if (fail[failure]) {
    request.resume().on('end', () => fail[failure](response));
  } else if (disturb[failure]) {
    disturb[failure](response, next);
  } else {
    next();
  }
  return true;
};
