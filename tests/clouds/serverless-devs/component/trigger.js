"use strict";
// The HTTP trigger in front of an instance.
const http = require("http");

const bodyMax = 32 << 20;
// Headers that belong to one connection and are not passed on.
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer", "expect"]);

exports.serve = function serve(instance, config, port) {
  const server = http.createServer((request, response) => {
    pass(instance, config, request, response).catch((e) => {
      process.stderr.write(e.message + "\n");
      refuse(response, 502, "FunctionError", e.message);
    });
  });
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
};

async function pass(instance, config, request, response) {
  if (config.methods && !config.methods.includes(request.method)) return refuse(response, 405, "MethodNotAllowed", `the trigger takes ${config.methods.join(", ")}`);
  const body = await read(request);
  if (!body) return refuse(response, 400, "InvalidArgument", "the body is longer than 32 MB");
  const headers = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i].toLowerCase();
    if (!hopByHop.has(name) && name !== "content-length" && !name.startsWith("x-fc-")) headers.push(request.rawHeaders[i], request.rawHeaders[i + 1]);
  }
  const answer = await instance.http({ method: request.method, url: request.url, headers, body, address: request.socket.remoteAddress });
  const back = [];
  for (let i = 0; i < answer.headers.length; i += 2) {
    if (!hopByHop.has(answer.headers[i].toLowerCase())) back.push(answer.headers[i], answer.headers[i + 1]);
  }
  response.writeHead(answer.status, [...back, "x-fc-request-id", answer.id]);
  for await (const part of answer.body) response.write(part);
  response.end();
}

async function read(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > bodyMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function refuse(response, status, code, message) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ Code: code, Message: message }));
}
