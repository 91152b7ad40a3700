"use strict";
// A custom runtime: the process is an HTTP server.
const http = require("http");
const net = require("net");

const controls = { invoke: ["POST", "/invoke"], initialize: ["POST", "/initialize"], preStop: ["GET", "/pre-stop"] };

exports.Custom = class Custom {
  constructor(instance) {
    this.instance = instance;
    this.agent = new http.Agent({ keepAlive: true });
    this.unready = "does not listen on its port";
  }

  async open() {
    this.port = await freePort();
  }

  command() {
    const { command = ["/code/bootstrap"], args = [] } = this.instance.props.customRuntimeConfig || {};
    return [...command, ...args];
  }

  environment() {
    return { FC_CUSTOM_LISTEN_PORT: String(this.port), FC_SERVER_PORT: String(this.port) };
  }

  async ready() {
    while (!this.instance.dead && !(await this.answers())) await new Promise((resolve) => setTimeout(resolve, 20));
    if (this.instance.dead) await new Promise(() => {}); // instance.ready reports the reason
  }

  answers() {
    return new Promise((resolve) => {
      const socket = net.connect(this.port, "127.0.0.1");
      socket.on("connect", () => (socket.destroy(), resolve(true)));
      socket.on("error", () => resolve(false));
    });
  }

  // request sends a request to the process and returns the response, whose body is a stream. It fails
  // when the function exceeds its timeout.
  request(method, url, headers, body) {
    const { instance } = this;
    return new Promise((resolve, reject) => {
      const request = http.request({ host: "127.0.0.1", port: this.port, method, path: url, headers, agent: this.agent }, resolve);
      const late = setTimeout(() => request.destroy(instance.late()), instance.seconds() * 1000);
      request.on("close", () => clearTimeout(late));
      request.on("error", (e) => reject(instance.dead ? new Error(instance.dead) : e));
      request.end(body);
    });
  }

  async call(kind, body) {
    const [method, url] = controls[kind];
    const headers = { ...this.instance.headers(), "x-fc-control-path": url, "content-type": "application/octet-stream", "content-length": String(body.length) };
    const answer = await this.request(method, url, headers, body);
    const parts = [];
    for await (const part of answer) parts.push(part);
    return { body: Buffer.concat(parts).toString(), failed: answer.statusCode !== 200 || answer.headers["x-fc-status"] === "404" };
  }

  // http passes a request through with few changes.
  async http({ method, url, headers, body }) {
    const platform = { ...this.instance.headers(), "x-fc-control-path": "/http-invoke" };
    const answer = await this.request(method, url, [...Object.entries(platform).flat(), ...headers, "content-length", String(body.length)], body);
    return { status: answer.statusCode, headers: answer.rawHeaders, body: answer, id: platform["x-fc-request-id"] };
  }

  close() {
    this.agent.destroy();
  }
};

// freePort finds a free port below those that systems assign to connections, so that no connection
// takes it before the process listens.
async function freePort() {
  for (let tries = 1; ; tries++) {
    const port = 12000 + Math.floor(Math.random() * 18000);
    try {
      return await listening(port);
    } catch (refused) {
      if (tries === 100) throw refused;
    }
  }
}

function listening(port) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
  });
}
