"""Functions that flows call: copy this file, and replace what stands above the line.

It needs Python 3 and nothing else. `millrace serve --functions functions.yaml` starts it.
"""

import json
import os
import urllib.request


class Failure(Exception):
    """An error with a name: the flow's Retry and Catch go by it."""

    def __init__(self, name, cause):
        super().__init__(cause)
        self.name = name


# An order: each step has a function that undoes it.


def reserve(order, context):
    if order["item"] == "unicorn":
        raise Failure("OutOfStock", "no unicorn in stock")
    return {"reservation": "S-" + order["id"]}


def charge(order, context):
    # A function may be called twice for one attempt. Pass the key to the payment service:
    # the second call must find the first one's payment.
    if order["amount"] > 100:
        raise Failure("CardDeclined", "the limit is 100")
    return {"receipt": "R-" + order["id"]}


def ship(order, context):
    if order["city"] == "Atlantis":
        raise Failure("NoRoute", "no road leads to Atlantis")
    return {"parcel": "P-" + order["id"]}


def refund(paid, context):
    return {"refunded": paid["receipt"]}


def release(reserved, context):
    return {"released": reserved["reservation"]}


# A batch: every third document is busy at the first attempt, and number 13 does not exist.


def fetch(document, context):
    if document["id"] == 13:
        raise Failure("NotFound", "there is no document 13")
    if document["id"] % 3 == 0 and document["attempt"] == 0:
        raise Failure("Busy", "try again")
    return {"id": document["id"], "words": 100 + document["id"]}


def summarize(batch, context):
    found = [d for d in batch["documents"] if "words" in d]
    missing = [d["id"] for d in batch["documents"] if "words" not in d]
    return {"words": sum(d["words"] for d in found), "found": len(found), "missing": missing}


# An approval: a real function would send a mail with the token. This one prints it.


def ask(question, context):
    print("%s is asked for %s, token %s" % (
        question["approver"], question["amount"], question["token"]), flush=True)


FUNCTIONS = {f.__name__: f for f in
             (reserve, charge, ship, refund, release, fetch, summarize, ask)}

# ---- What follows is the same for all functions. ----------------------------------------------


class Context:
    """What the server says about a call."""

    def __init__(self, headers):
        self.request_id = headers["x-fc-request-id"]
        self.function = headers["x-fc-function-name"]
        # The same for all calls of one attempt.
        self.idempotency_key = headers.get("x-fnf-idempotency-key")


def post(url, value):
    body = json.dumps(value).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers)).close()


def serve():
    api = "http://%s/2020-11-11/runtime/" % os.environ["FC_RUNTIME_API"]
    while True:
        with urllib.request.urlopen(api + "invocation/next") as response:
            event, context = json.load(response), Context(response.headers)
        invocation = api + "invocation/" + context.request_id
        try:
            result = FUNCTIONS[context.function](event, context)
        except Failure as e:
            post(invocation + "/error", {"errorType": e.name, "errorMessage": str(e)})
        except Exception as e:
            post(invocation + "/error", {"errorType": type(e).__name__, "errorMessage": str(e)})
        else:
            post(invocation + "/response", result)


if __name__ == "__main__":
    serve()
