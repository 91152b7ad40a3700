'use strict';

// Calls the released Node.js client for the Go tests. It reads one JSON object per line, {id, config,
// operation, params, timeout}, and writes one for each: {id, body} or {id, error}.

const readline = require('node:readline');
const Client = require('@alicloud/fnf-2019-03-15');

const clients = new Map(); // by configuration, to reuse connections as an application does

function clientOf(config) {
  const key = JSON.stringify(config);
  if (!clients.has(key)) clients.set(key, new Client(config));
  return clients.get(key);
}

function call({ config, operation, params, timeout }) {
  const client = clientOf(config);
  const method = operation[0].toLowerCase() + operation.slice(1);
  if (typeof client[method] === 'function') return client[method](params, { timeout });
  return client.request(operation, params, { method: 'POST', timeout }); // operations that are newer than this client
}

function describe(e) {
  return {
    name: e.name,
    message: e.message,
    code: e.code || '',
    data: e.data || null,
    status: e.entry && e.entry.response ? e.entry.response.statusCode : 0,
  };
}

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = { id: request.id, body: await call(request) };
  } catch (e) {
    answer = { id: request.id, error: describe(e) };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
});
