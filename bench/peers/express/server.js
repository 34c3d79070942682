'use strict';
// The handler on Express, with one worker a core, as Node's documentation on
// cluster and Express's on production recommend. Start it with NODE_ENV=production.
const cluster = require('node:cluster');
const os = require('node:os');
const express = require('express');

if (cluster.isPrimary) {
  for (let i = 0; i < os.availableParallelism(); i++) cluster.fork();
} else {
  const app = express();
  app.get('/users/:id', (req, res) => {
    const { id } = req.params;
    res.json({ id, name: `User ${id}`, email: `user${id}@example.com` });
  });
  app.listen(Number(process.env.PORT), '127.0.0.1');
}
