const express = require('express');

express().use(require('./record.cjs')).listen(Number(process.env.PORT), '127.0.0.1');
