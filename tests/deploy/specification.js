// Checks resources against CloudFormation's own description of them: types, properties, kinds of
// values, required properties, and attributes that references name. Reads a JSON list of {name,
// resources, outputs} with short tags expanded and conditions evaluated. Prints a JSON list of
// strings for each name.
//
// The description of AWS::Serverless resources is older than SAM. If it lacks a property, the check
// uses the resource that SAM creates from it, because SAM passes the property on to that resource.
"use strict";
const { loadAwsServiceSpecSync } = require("@aws-cdk/aws-service-spec");

const db = loadAwsServiceSpecSync();

// Properties that the description of AWS::Serverless resources requires, but SAM does not.
const notRequired = new Set(["EventInvokeDestinationConfig.OnSuccess"]);

const found = new Map();
function resourceOf(type) {
  if (!found.has(type)) found.set(type, db.lookup("resource", "cloudFormationType", "equals", type)[0]);
  return found.get(type);
}

// Resources that SAM passes properties on to.
const passedTo = {
  "AWS::Serverless::Function": "AWS::Lambda::Function",
  "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Stage",
};

// Properties of events that SAM passes on, and those that are SAM's own.
const events = {
  SQS: { type: "AWS::Lambda::EventSourceMapping", own: { Queue: "string" } },
  ScheduleV2: {
    type: "AWS::Scheduler::Schedule",
    own: { Input: "string", OmitName: "boolean" },
    inTarget: ["RetryPolicy", "DeadLetterConfig"],
  },
  HttpApi: { definition: "HttpApiEvent" },
};

function propertiesOf(type) {
  const r = resourceOf(type);
  if (!r) return undefined;
  const beyond = passedTo[type] ? resourceOf(passedTo[type]).properties : {};
  return { ...optional(beyond, r.properties), ...r.properties };
}

// A property of the created resource alone is never required, because SAM sets it.
function optional(beyond, own) {
  return Object.fromEntries(
    Object.entries(beyond).filter(([name]) => !(name in own)).map(([name, p]) => [name, { ...p, required: false }]),
  );
}

function isObject(v) {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

function isIntrinsic(v) {
  return isObject(v) && Object.keys(v).length === 1 && (v.Ref !== undefined || Object.keys(v)[0].startsWith("Fn::"));
}

function number(v, whole) {
  const n = typeof v === "string" && v.trim() !== "" ? Number(v) : v;
  return typeof n === "number" && (!whole || Number.isInteger(n));
}

class Check {
  constructor(resources) {
    this.resources = resources;
    this.wrong = [];
  }

  fail(path, text) {
    this.wrong.push(`${path}: ${text}`);
  }

  resource(name, r) {
    const properties = propertiesOf(r.Type);
    if (!properties) return this.fail(name, `there is no type ${r.Type}`);
    const own = { ...(r.Properties || {}) };
    if (r.Type === "AWS::Serverless::Function") {
      for (const [event, e] of Object.entries(own.Events || {})) this.event(`${name}.Events.${event}`, e);
      delete own.Events;
    }
    this.object(name, own, properties);
    this.references(name, r);
  }

  event(path, e) {
    const kind = events[e.Type];
    if (!kind) return this.fail(path, `there is no event ${e.Type}`);
    if (kind.definition) {
      const f = resourceOf("AWS::Serverless::Function");
      const d = db.follow("usesType", f).map((u) => u.entity).find((t) => t.name === kind.definition);
      return this.object(path, e.Properties, d.properties);
    }
    const properties = optional(resourceOf(kind.type).properties, {});
    for (const [name, type] of Object.entries(kind.own)) properties[name] = { type: { type }, required: name === "Queue" };
    for (const name of kind.inTarget || []) {
      const target = db.get("typeDefinition", properties.Target.type.reference.$ref);
      properties[name] = target.properties[name];
    }
    delete properties.Target;
    this.object(path, e.Properties, properties);
  }

  object(path, v, properties) {
    for (const [name, p] of Object.entries(properties)) {
      if (p.required && v[name] === undefined) this.fail(path, `${name} is missing`);
    }
    for (const [name, e] of Object.entries(v)) {
      if (!properties[name]) this.fail(path, `there is no property ${name}`);
      else this.value(`${path}.${name}`, e, properties[name].type);
    }
  }

  value(path, v, type) {
    if (!this.fits(path, v, type)) this.fail(path, `${JSON.stringify(v)} is no ${type.type}`);
  }

  // fits records what is wrong inside v, and returns whether v is of the kind at all.
  fits(path, v, type) {
    if (isIntrinsic(v)) return true;
    switch (type.type) {
      case "string":
        return typeof v !== "object";
      case "boolean":
        return typeof v === "boolean" || v === "true" || v === "false";
      case "integer":
        return number(v, true);
      case "number":
        return number(v, false);
      case "json":
        return typeof v === "object" || typeof v === "string";
      case "array":
        if (!Array.isArray(v)) return false;
        v.forEach((e, i) => this.value(`${path}[${i}]`, e, type.element));
        return true;
      case "map":
        if (!isObject(v)) return false;
        for (const [name, e] of Object.entries(v)) this.value(`${path}.${name}`, e, type.element);
        return true;
      case "ref":
        if (!isObject(v)) return false;
        return this.definition(path, v, db.get("typeDefinition", type.reference.$ref));
      case "tag":
        return isObject(v) && Object.keys(v).sort().join() === "Key,Value";
      case "union":
        return type.types.some((t) => {
          const tried = new Check(this.resources);
          return tried.fits(path, v, t) && tried.wrong.length === 0;
        });
    }
    throw new Error(`unknown kind of property: ${type.type}`);
  }

  definition(path, v, d) {
    const properties = Object.entries(d.properties).map(([name, p]) => [name, notRequired.has(`${d.name}.${name}`) ? { ...p, required: false } : p]);
    this.object(path, v, Object.fromEntries(properties));
    return true;
  }

  references(path, v) {
    if (Array.isArray(v)) return v.forEach((e) => this.references(path, e));
    if (!isObject(v)) return;
    if (Array.isArray(v["Fn::GetAtt"])) return this.attribute(path, ...v["Fn::GetAtt"]);
    if (v["Fn::Sub"] !== undefined) {
      const [text, locals] = Array.isArray(v["Fn::Sub"]) ? v["Fn::Sub"] : [v["Fn::Sub"], {}];
      for (const [, name, attribute] of text.matchAll(/\$\{([A-Za-z0-9]+)\.([A-Za-z0-9.]+)\}/g)) this.attribute(path, name, attribute);
      return this.references(path, locals);
    }
    Object.values(v).forEach((e) => this.references(path, e));
  }

  // attribute checks that a resource has an attribute. It finds the resources that SAM creates by
  // the names that SAM assigns.
  attribute(path, name, attribute) {
    let type = this.resources[name] && this.resources[name].Type;
    const maker = name.endsWith("Url") && this.resources[name.slice(0, -3)];
    if (!type && maker && maker.Properties.FunctionUrlConfig) type = "AWS::Lambda::Url";
    if (!type) return this.fail(path, `refers to ${name}, which is not there`);
    const r = resourceOf(passedTo[type] || type);
    if (r && !(attribute in r.attributes)) this.fail(path, `${name} has no attribute ${attribute}`);
  }
}

function check({ resources, outputs }) {
  const c = new Check(resources);
  for (const [name, r] of Object.entries(resources)) c.resource(name, r);
  c.references("Outputs", outputs || {});
  return c.wrong.sort();
}

let text = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (part) => (text += part));
process.stdin.on("end", () => {
  const answers = Object.fromEntries(JSON.parse(text).map((t) => [t.name, check(t)]));
  process.stdout.write(JSON.stringify(answers));
});
