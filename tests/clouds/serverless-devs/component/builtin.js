"use strict";
// The built-in runtime go1: the process polls the runtime API for events and posts its responses
// there. A client's request is an event, and the response to it a document.
const crypto = require("crypto");
const http = require("http");

const api = "/2020-11-11/runtime/invocation/";
const types = { invoke: "0", initialize: "1", preStop: "2" };

exports.BuiltIn = class BuiltIn {
  constructor(instance) {
    this.instance = instance;
    this.unready = "does not ask for events";
    this.events = []; // not yet delivered to the process
    this.askers = []; // pending polls that wait for an event
    this.current = new Map(); // events in progress, by request id
    this.asked = new Promise((resolve) => (this.firstAsked = resolve));
    this.server = http.createServer((request, response) => this.serve(request, response));
  }

  open() {
    return new Promise((resolve, reject) => {
      this.server.on("error", reject);
      this.server.listen(0, "127.0.0.1", resolve);
    });
  }

  // command returns the program that the handler names.
  command() {
    return ["/code/" + (this.instance.props.handler || "bootstrap")];
  }

  environment() {
    return { FC_RUNTIME_API: `127.0.0.1:${this.server.address().port}` };
  }

  ready() {
    return this.asked;
  }

  serve(request, response) {
    const [id, end, ...rest] = request.url.startsWith(api) ? request.url.slice(api.length).split("/") : [];
    if (request.method === "GET" && id === "next" && end === undefined) return this.next(request, response);
    if (request.method === "POST" && rest.length === 0 && (end === "response" || end === "error")) return this.finish(id, end, request, response);
    response.writeHead(404).end();
  }

  next(request, response) {
    this.firstAsked();
    this.askers.push(response);
    request.on("close", () => (this.askers = this.askers.filter((r) => r !== response)));
    this.match();
  }

  // match delivers events to the polls that wait for them.
  match() {
    while (this.events.length > 0 && this.askers.length > 0) {
      const event = this.events.shift();
      this.current.set(event.headers["x-fc-request-id"], event);
      this.askers.shift().writeHead(200, event.headers).end(event.body);
    }
  }

  async finish(id, end, request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const event = this.current.get(id);
    this.current.delete(id);
    response.writeHead(event ? 200 : 404).end();
    if (event) event.resolve({ body: Buffer.concat(parts).toString(), failed: end === "error" });
  }

  async call(kind, body) {
    const { instance } = this;
    const headers = {
      ...instance.headers(),
      "x-fc-function-type": types[kind],
      "x-fc-function-deadline": String(Date.now() + instance.seconds() * 1000),
      "content-length": String(body.length),
    };
    let late;
    const answer = new Promise((resolve, reject) => {
      this.events.push({ headers, body, resolve });
      late = setTimeout(() => {
        this.events = this.events.filter((e) => e.headers !== headers);
        this.current.delete(headers["x-fc-request-id"]);
        reject(instance.late());
      }, instance.seconds() * 1000);
    });
    this.match();
    const died = instance.ended.then((reason) => Promise.reject(new Error(reason)));
    try {
      return await Promise.race([answer, died]);
    } finally {
      clearTimeout(late);
    }
  }

  async http(request) {
    const event = this.eventOf(request);
    const answer = await this.call("invoke", Buffer.from(JSON.stringify(event)));
    if (answer.failed) throw new Error(answer.body);
    return { ...answerOf(answer.body), id: event.requestContext.requestId };
  }

  // eventOf returns a request in the form of the platform's events: the values of a name are joined.
  eventOf({ method, url, headers, body, address }) {
    const names = {};
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i].toLowerCase().replace(/(^|-)[a-z]/g, (c) => c.toUpperCase());
      names[name] = names[name] === undefined ? headers[i + 1] : names[name] + "," + headers[i + 1];
    }
    const { pathname, searchParams } = new URL(url, "http://localhost");
    const query = {};
    for (const [name, value] of searchParams) query[name] = query[name] === undefined ? value : query[name] + "," + value;
    const text = body.toString();
    const binary = !Buffer.from(text).equals(body);
    const now = new Date();
    const host = names.Host || "localhost";
    return {
      version: "v1",
      rawPath: pathname,
      headers: names,
      queryParameters: query,
      body: binary ? body.toString("base64") : text,
      isBase64Encoded: binary,
      requestContext: {
        accountId: this.instance.account(),
        domainName: host,
        domainPrefix: host.split(".")[0],
        requestId: "1-" + crypto.randomUUID(),
        time: now.toISOString(),
        timeEpoch: String(now.getTime()),
        http: { method, path: decodeURIComponent(pathname), protocol: "HTTP/1.1", sourceIp: address, userAgent: names["User-Agent"] || "" },
      },
    };
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
};

// answerOf parses the response of a function to a request. Anything other than a response with a
// status becomes the body of a 200.
function answerOf(text) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = null;
  }
  if (answer === null || typeof answer !== "object" || !Number.isInteger(answer.statusCode)) {
    return { status: 200, headers: ["content-type", "application/json"], body: [Buffer.from(text)] };
  }
  const body = Buffer.from(answer.body || "", answer.isBase64Encoded ? "base64" : "utf8");
  return { status: answer.statusCode, headers: Object.entries(answer.headers || {}).flat(), body: [body] };
}
