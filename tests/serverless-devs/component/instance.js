"use strict";
// An instance of a function: a process that is an HTTP server, called as Function Compute calls a custom runtime.
const { spawn } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const net = require("net");
const path = require("path");

const readySeconds = 120; // what Function Compute waits for a server
const account = "1234567890123456"; // when the environment has none

exports.Instance = class Instance {
  static async start(props) {
    const instance = new Instance(props, await freePort());
    instance.spawn();
    await instance.ready();
    if (hook(props, "initializer")) await instance.control("POST", "/initialize");
    return instance;
  }

  constructor(props, port) {
    this.props = props;
    this.port = port;
    this.agent = new http.Agent({ keepAlive: true });
    this.variables = Object.fromEntries(Object.entries(props.environmentVariables || {}).map(([k, v]) => [k, String(v)]));
  }

  spawn() {
    const { props } = this;
    if (!String(props.runtime).startsWith("custom") || props.runtime === "custom-container") {
      throw new Error(`${props.functionName}: runtime ${props.runtime} is not for this component, only custom runtimes are`);
    }
    const code = path.resolve(props.directory, typeof props.code === "string" ? props.code : props.code.src);
    const { command = ["/code/bootstrap"], args = [] } = props.customRuntimeConfig || {};
    const [program, ...rest] = [...command, ...args].map((a) => a.replace(/^\/code(?=\/|$)/, code));
    if (!fs.existsSync(program)) throw new Error(`${program} is not there; \`make build-fc-host\` builds it`);
    this.child = spawn(program, rest, { cwd: code, env: this.environment(code), stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout.pipe(process.stderr);
    this.child.stderr.pipe(process.stderr);
    this.ended = new Promise((resolve) => {
      this.child.on("error", (e) => resolve(`${program} cannot be started: ${e.message}`));
      this.child.on("exit", (status, signal) => resolve(`${props.functionName} has ended by itself (${signal || status})`));
    });
    this.ended.then((reason) => (this.dead = reason));
    process.on("exit", () => this.child.kill("SIGKILL"));
  }

  // environment is what the process sees: nothing of this machine but what programs need, and what the platform sets.
  environment(code) {
    const { props } = this;
    const inherited = {};
    for (const name of ["PATH", "HOME", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"]) {
      if (process.env[name] !== undefined) inherited[name] = process.env[name];
    }
    const { id, secret, token } = this.credentials();
    return {
      ...inherited,
      FC_FUNCTION_NAME: props.functionName,
      FC_FUNCTION_HANDLER: props.handler || "index.handler",
      FC_FUNCTION_MEMORY_SIZE: String(props.memorySize || 128),
      FC_REGION: props.region,
      FC_ACCOUNT_ID: process.env.ALIBABA_CLOUD_ACCOUNT_ID || account,
      FC_INSTANCE_ID: crypto.randomUUID(),
      FC_FUNC_CODE_PATH: code + "/",
      FC_RUNTIME: props.runtime,
      FC_TIMEOUT: String(props.timeout || 3),
      FC_CUSTOM_LISTEN_PORT: String(this.port),
      FC_SERVER_PORT: String(this.port),
      ALIBABA_CLOUD_ACCESS_KEY_ID: id,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret,
      ALIBABA_CLOUD_SECURITY_TOKEN: token,
      ...this.variables,
    };
  }

  // credentials are those of the function's variables, or of this process: there is no role.
  credentials() {
    const of = (name) => this.variables[name] || process.env[name] || "";
    return { id: of("ALIBABA_CLOUD_ACCESS_KEY_ID"), secret: of("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), token: of("ALIBABA_CLOUD_SECURITY_TOKEN") };
  }

  async ready() {
    const end = Date.now() + readySeconds * 1000;
    while (!(await this.answers())) {
      if (this.dead) throw new Error(this.dead);
      if (Date.now() > end) throw new Error(`${this.props.functionName} does not listen on its port after ${readySeconds} s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  answers() {
    return new Promise((resolve) => {
      const socket = net.connect(this.port, "127.0.0.1");
      socket.on("connect", () => (socket.destroy(), resolve(true)));
      socket.on("error", () => resolve(false));
    });
  }

  // headers are what the platform sends with each request.
  headers(control) {
    const { props } = this;
    const { id, secret, token } = this.credentials();
    const all = {
      "x-fc-request-id": "1-" + crypto.randomUUID(),
      "x-fc-control-path": control,
      "x-fc-function-name": props.functionName,
      "x-fc-function-handler": props.handler || "index.handler",
      "x-fc-function-memory": String(props.memorySize || 128),
      "x-fc-function-timeout": String(props.timeout || 3),
      "x-fc-region": props.region,
      "x-fc-account-id": process.env.ALIBABA_CLOUD_ACCOUNT_ID || account,
      "x-fc-qualifier": "LATEST",
      "x-fc-version-id": "LATEST",
    };
    if (id && secret) Object.assign(all, { "x-fc-access-key-id": id, "x-fc-access-key-secret": secret });
    if (id && secret && token) all["x-fc-security-token"] = token;
    return all;
  }

  // request sends a request to the process and gives its answer, whose body is a stream. It fails when the function takes
  // longer than it may.
  request(method, url, headers, body) {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.port, method, path: url, headers, agent: this.agent };
      const request = http.request(options, resolve);
      const seconds = this.props.timeout || 3;
      const late = setTimeout(() => request.destroy(new Error(`${this.props.functionName} takes longer than ${seconds} s`)), seconds * 1000);
      request.on("close", () => clearTimeout(late));
      request.on("error", (e) => reject(this.dead ? new Error(this.dead) : e));
      request.end(body);
    });
  }

  async control(method, url, body) {
    const headers = { ...this.headers(url), "content-type": "application/octet-stream", "content-length": String(body ? body.length : 0) };
    const answer = await this.request(method, url, headers, body);
    const parts = [];
    for await (const part of answer) parts.push(part);
    return { body: Buffer.concat(parts).toString(), failed: answer.statusCode !== 200 || answer.headers["x-fc-status"] === "404" };
  }

  invoke(event) {
    return this.control("POST", "/invoke", event);
  }

  // stop lets the function stop, and ends its process.
  async stop() {
    if (!this.dead) {
      if (hook(this.props, "preStop")) await this.control("GET", "/pre-stop").catch(() => {});
      this.child.kill("SIGTERM");
      const late = setTimeout(() => this.child.kill("SIGKILL"), 5000);
      await this.ended;
      clearTimeout(late);
    }
    this.agent.destroy();
  }
};

function hook(props, name) {
  return (props.instanceLifecycleConfig || {})[name] !== undefined;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
