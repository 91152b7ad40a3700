"use strict";
// An instance of a function: a process, called through the protocol of its runtime.
const { spawn } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");
const { Custom } = require("./custom");
const { BuiltIn } = require("./builtin");

const readySeconds = 120; // how long Function Compute waits for a process
const account = "1234567890123456"; // if the environment has none

exports.Instance = class Instance {
  static async start(props) {
    const instance = new Instance(props);
    await instance.runtime.open();
    try {
      instance.spawn();
      await instance.ready();
      if (instance.hook("initializer")) await instance.call("initialize");
    } catch (e) {
      await instance.stop();
      throw e;
    }
    return instance;
  }

  constructor(props) {
    this.props = props;
    this.variables = Object.fromEntries(Object.entries(props.environmentVariables || {}).map(([k, v]) => [k, String(v)]));
    this.runtime = this.openRuntime();
  }

  openRuntime() {
    const runtime = String(this.props.runtime);
    if (runtime === "go1") return new BuiltIn(this);
    if (runtime.startsWith("custom") && runtime !== "custom-container") return new Custom(this);
    throw new Error(`${this.props.functionName}: runtime ${runtime} is not for this component, only go1 and custom runtimes are`);
  }

  spawn() {
    const { props } = this;
    const code = path.resolve(props.directory, typeof props.code === "string" ? props.code : props.code.src);
    const [program, ...rest] = this.runtime.command().map((a) => a.replace(/^\/code(?=\/|$)/, code));
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

  // environment returns the variables of the process: the platform's, and of this machine's only those
  // that programs need.
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
      FC_FUNCTION_HANDLER: this.handler(),
      FC_FUNCTION_MEMORY_SIZE: String(props.memorySize || 128),
      FC_REGION: props.region,
      FC_ACCOUNT_ID: this.account(),
      FC_INSTANCE_ID: crypto.randomUUID(),
      FC_FUNC_CODE_PATH: code + "/",
      FC_RUNTIME: props.runtime,
      FC_TIMEOUT: String(this.seconds()),
      ALIBABA_CLOUD_ACCESS_KEY_ID: id,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: secret,
      ALIBABA_CLOUD_SECURITY_TOKEN: token,
      ...this.runtime.environment(),
      ...this.variables,
    };
  }

  // credentials returns those of the function's variables, or of this process, because there is no
  // role.
  credentials() {
    const of = (name) => this.variables[name] || process.env[name] || "";
    return { id: of("ALIBABA_CLOUD_ACCESS_KEY_ID"), secret: of("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), token: of("ALIBABA_CLOUD_SECURITY_TOKEN") };
  }

  account() {
    return process.env.ALIBABA_CLOUD_ACCOUNT_ID || account;
  }

  handler() {
    return this.props.handler || "index.handler";
  }

  // seconds returns the timeout of an invocation.
  seconds() {
    return this.props.timeout || 3;
  }

  hook(name) {
    return (this.props.instanceLifecycleConfig || {})[name] !== undefined;
  }

  // ready waits until the process can be used.
  async ready() {
    let late;
    const reasons = [
      this.runtime.ready().then(() => ""),
      this.ended,
      new Promise((resolve) => (late = setTimeout(() => resolve(`${this.props.functionName} ${this.runtime.unready} after ${readySeconds} s`), readySeconds * 1000))),
    ];
    const reason = await Promise.race(reasons);
    clearTimeout(late);
    if (reason) throw new Error(reason);
  }

  // headers returns what the platform sends with each request.
  headers() {
    const { props } = this;
    const { id, secret, token } = this.credentials();
    const all = {
      "x-fc-request-id": "1-" + crypto.randomUUID(),
      "x-fc-function-name": props.functionName,
      "x-fc-function-handler": this.handler(),
      "x-fc-function-memory": String(props.memorySize || 128),
      "x-fc-function-timeout": String(this.seconds()),
      "x-fc-region": props.region,
      "x-fc-account-id": this.account(),
      "x-fc-qualifier": "LATEST",
      "x-fc-version-id": "LATEST",
    };
    if (id && secret) Object.assign(all, { "x-fc-access-key-id": id, "x-fc-access-key-secret": secret });
    if (id && secret && token) all["x-fc-security-token"] = token;
    return all;
  }

  // call delivers an event ("invoke") or a life cycle call ("initialize", "preStop"). It returns the
  // response, and whether the function failed.
  call(kind, body) {
    return this.runtime.call(kind, body || Buffer.alloc(0));
  }

  invoke(event) {
    return this.call("invoke", event);
  }

  // http delivers a client's request: {method, url, headers (raw), body, address}. The response is
  // {status, headers (raw), body (an iterable), id}.
  http(request) {
    return this.runtime.http(request);
  }

  // late returns the error of an invocation that exceeds its timeout.
  late() {
    return new Error(`${this.props.functionName} takes longer than ${this.seconds()} s`);
  }

  // stop calls the function's preStop, and ends its process.
  async stop() {
    if (this.child && !this.dead) {
      if (this.hook("preStop")) await this.call("preStop").catch(() => {});
      this.child.kill("SIGTERM");
      const late = setTimeout(() => this.child.kill("SIGKILL"), 5000);
      await this.ended;
      clearTimeout(late);
    }
    this.runtime.close();
  }
};
