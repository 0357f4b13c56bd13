// The unmodified middleware of GitHub's SDK.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// `import` does not read NODE_PATH.
const { Webhooks, createNodeMiddleware } = await import(
  createRequire(import.meta.url).resolve('@octokit/webhooks', { paths: [process.env.NODE_PATH] })
);
const webhooks = new Webhooks({ secret: process.env.LEGACY_KEY });
webhooks.on('push', () => {});
const middleware = createNodeMiddleware(webhooks, { path: '/api/github/webhooks', log: { ...console, error() {} } });
createServer(middleware).listen(Number(process.env.PORT), '127.0.0.1');
