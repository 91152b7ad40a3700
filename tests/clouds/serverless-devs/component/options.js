"use strict";
// parse splits the arguments after the command into words and options. It skips the options of
// Serverless Devs itself.
const names = { "-e": "event", "--event": "event", "-f": "file", "--event-file": "file", "--port": "port" };
const others = new Set(["-t", "--template", "-a", "--access", "--env", "-o", "--output", "--output-file", "--baseDir"]);

exports.parse = function parse(args) {
  const words = [];
  const options = {};
  for (let i = 0; i < args.length; i++) {
    const [name, attached] = args[i].startsWith("--") ? split(args[i]) : [args[i], undefined];
    if (names[name] || others.has(name)) {
      const value = attached === undefined ? args[++i] : attached;
      if (value === undefined) throw new Error(`${name} needs a value`);
      if (names[name]) options[names[name]] = value;
    } else if (!name.startsWith("-")) {
      words.push(name);
    }
  }
  return { words, options };
};

function split(argument) {
  const at = argument.indexOf("=");
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}
