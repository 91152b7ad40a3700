// Functions that flows call: copy this file, and replace what stands above the line.
//
// It needs Node 18 and nothing else. `millrace serve --functions functions.yaml` starts it.

import http from "node:http";

// Failure is an error with a name: the flow's Retry and Catch go by it.
class Failure extends Error {
  constructor(name, cause) {
    super(cause);
    this.name = name;
  }
}

const functions = {
  // An order: each step has a function that undoes it.

  reserve(order) {
    if (order.item === "unicorn") throw new Failure("OutOfStock", "no unicorn in stock");
    return { reservation: "S-" + order.id };
  },

  charge(order, context) {
    // A function may be called twice for one attempt. Pass context.idempotencyKey to the payment
    // service: the second call must find the first one's payment.
    if (order.amount > 100) throw new Failure("CardDeclined", "the limit is 100");
    return { receipt: "R-" + order.id };
  },

  ship(order) {
    if (order.city === "Atlantis") throw new Failure("NoRoute", "no road leads to Atlantis");
    return { parcel: "P-" + order.id };
  },

  refund: (paid) => ({ refunded: paid.receipt }),

  release: (reserved) => ({ released: reserved.reservation }),

  // A batch: every third document is busy at the first attempt, and number 13 does not exist.

  fetch({ id, attempt }) {
    if (id === 13) throw new Failure("NotFound", "there is no document 13");
    if (id % 3 === 0 && attempt === 0) throw new Failure("Busy", "try again");
    return { id, words: 100 + id };
  },

  summarize({ documents }) {
    const found = documents.filter((d) => "words" in d);
    const missing = documents.filter((d) => !("words" in d)).map((d) => d.id);
    return { words: found.reduce((sum, d) => sum + d.words, 0), found: found.length, missing };
  },

  // An approval: a real function would send a mail with the token. This one prints it.

  ask({ approver, amount, token }) {
    console.log(`${approver} is asked for ${amount}, token ${token}`);
    return {};
  },
};

// ---- What follows is the same for all functions. ----------------------------------------------

const api = `http://${process.env.FC_RUNTIME_API}/2020-11-11/runtime/invocation/`;

// request is made with node:http, because fetch gives up after five minutes without an event.
function request(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = http.request(api + path, { method }, async (response) => {
      try {
        response.setEncoding("utf8");
        let text = "";
        for await (const part of response) text += part;
        resolve({ headers: response.headers, text });
      } catch (e) {
        reject(e);
      }
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

for (;;) {
  const { headers, text } = await request("GET", "next");
  const context = {
    requestId: headers["x-fc-request-id"],
    function: headers["x-fc-function-name"],
    idempotencyKey: headers["x-fnf-idempotency-key"], // the same for all calls of one attempt
  };
  let end = "response";
  let body;
  try {
    body = (await functions[context.function](JSON.parse(text), context)) ?? null;
  } catch (e) {
    end = "error";
    body = { errorType: e.name, errorMessage: e.message };
  }
  await request("POST", `${context.requestId}/${end}`, JSON.stringify(body));
}
