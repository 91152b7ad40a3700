"use strict";
// A component for Serverless Devs that runs functions in custom runtimes and in go1 as processes on
// this machine, in the same way as Function Compute, without Docker and without a network:
//
//   s <resource> local invoke [-e EVENT | -f FILE]     one event; the response goes to the standard output
//   s <resource> local start [--port N]                an HTTP trigger in front; 9000 or customRuntimeConfig.port
//
// The function's output goes to the standard error.
const fs = require("fs");
const path = require("path");
const { parse } = require("./options");
const { Instance } = require("./instance");
const { serve } = require("./trigger");

module.exports = class Local {
  async local(inputs) {
    const { words, options } = parse(inputs.args);
    const props = { ...inputs.props, directory: inputs.cwd || process.cwd() };
    switch (words[0]) {
      case "invoke":
        return invoke(props, options);
      case "start":
        return start(props, options);
    }
    throw new Error("use `local invoke [-e EVENT | -f FILE]` or `local start [--port N]`");
  }
};

async function invoke(props, options) {
  const event = eventOf(options, props.directory);
  const instance = await Instance.start(props);
  try {
    const answer = await instance.invoke(event);
    process.stdout.write(answer.body + "\n");
    if (answer.failed) throw new Error(`${props.functionName} has failed`);
  } finally {
    await instance.stop();
  }
}

function eventOf(options, directory) {
  if (options.event !== undefined && options.file !== undefined) throw new Error("give an event (-e) or a file (-f), not both");
  if (options.file !== undefined) return fs.readFileSync(path.resolve(directory, options.file));
  return Buffer.from(options.event === undefined ? "{}" : options.event);
}

async function start(props, options) {
  const trigger = (props.triggers || []).find((t) => t.triggerType === "http");
  if (!trigger) throw new Error(`${props.functionName} has no HTTP trigger; use \`local invoke\``);
  const port = options.port === undefined ? (props.customRuntimeConfig || {}).port || 9000 : Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${options.port} is no port`);
  const instance = await Instance.start(props);
  const server = await serve(instance, trigger.triggerConfig || {}, port);
  process.stderr.write(`${props.functionName} is at http://127.0.0.1:${server.address().port}\n`);
  const reason = await Promise.race([stopped(), instance.ended]);
  server.close();
  server.closeAllConnections();
  await instance.stop();
  if (reason) throw new Error(reason);
}

// stopped waits until the user ends the command. Serverless Devs reports an interrupt by an event of
// its own.
function stopped() {
  return new Promise((resolve) => ["SIGINT", "SIGTERM", "DEVS:SIGINT"].forEach((name) => process.on(name, () => resolve(""))));
}
