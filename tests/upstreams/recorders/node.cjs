const { createServer } = require('node:http');

createServer(require('./record.cjs')).listen(Number(process.env.PORT), '127.0.0.1');
