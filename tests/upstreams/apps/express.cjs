// An express app. Its router ignores case and a slash at the end.
const { appendFileSync } = require('node:fs');
const express = require('express');

const app = express();
app.all(['/live/push', '/callbacks/tencent', '/hooks/tencent'], (request, response) => {
  const { 'x-probe': probe = '-', 'ce-type': type = '-' } = request.headers;
  appendFileSync(process.env.HANDLED, `${probe} ${type}\n`);
  response.end();
});
app.use((request, response) => response.send('passed\n'));
app.listen(Number(process.env.PORT), '127.0.0.1');
