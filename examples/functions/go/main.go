// Functions that flows call: copy this file, and replace what stands above the line. It needs Go
// and nothing else. `millrace serve --functions functions.yaml` starts it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
)

// failure is an error with a name: the flow's Retry and Catch go by it.
type failure struct{ name, cause string }

func (f failure) Error() string { return f.cause }

type order struct {
	ID, Item, City string
	Amount         int
}

// An order: each step has a function that undoes it.

func reserve(o order, _ invocation) (any, error) {
	if o.Item == "unicorn" {
		return nil, failure{"OutOfStock", "no unicorn in stock"}
	}
	return map[string]string{"reservation": "S-" + o.ID}, nil
}

// A function may be called twice for one attempt. Pass the idempotency key to the payment service:
// the second call must find the first one's payment.
func charge(o order, _ invocation) (any, error) {
	if o.Amount > 100 {
		return nil, failure{"CardDeclined", "the limit is 100"}
	}
	return map[string]string{"receipt": "R-" + o.ID}, nil
}

func ship(o order, _ invocation) (any, error) {
	if o.City == "Atlantis" {
		return nil, failure{"NoRoute", "no road leads to Atlantis"}
	}
	return map[string]string{"parcel": "P-" + o.ID}, nil
}

func refund(paid struct{ Receipt string }, _ invocation) (any, error) {
	return map[string]string{"refunded": paid.Receipt}, nil
}

func release(reserved struct{ Reservation string }, _ invocation) (any, error) {
	return map[string]string{"released": reserved.Reservation}, nil
}

// A batch: every third document is busy at the first attempt, and number 13 does not exist.

type document struct {
	ID    int  `json:"id"`
	Words *int `json:"words"`
}

func fetch(d struct{ ID, Attempt int }, _ invocation) (any, error) {
	switch {
	case d.ID == 13:
		return nil, failure{"NotFound", "there is no document 13"}
	case d.ID%3 == 0 && d.Attempt == 0:
		return nil, failure{"Busy", "try again"}
	}
	words := 100 + d.ID
	return document{d.ID, &words}, nil
}

func summarize(batch struct{ Documents []document }, _ invocation) (any, error) {
	words, missing := 0, []int{}
	for _, d := range batch.Documents {
		if d.Words == nil {
			missing = append(missing, d.ID)
		} else {
			words += *d.Words
		}
	}
	return map[string]any{
		"words": words, "found": len(batch.Documents) - len(missing), "missing": missing,
	}, nil
}

// An approval: a real function would send a mail with the token. This one prints it.

func ask(q struct {
	Approver, Token string
	Amount          int
}, _ invocation) (any, error) {
	fmt.Printf("%s is asked for %d, token %s\n", q.Approver, q.Amount, q.Token)
	return nil, nil
}

var functions = map[string]func(event []byte, in invocation) (any, error){
	"reserve": decoded(reserve), "charge": decoded(charge), "ship": decoded(ship),
	"refund": decoded(refund), "release": decoded(release),
	"fetch": decoded(fetch), "summarize": decoded(summarize), "ask": decoded(ask),
}

// ---- What follows is the same for all functions. ----------------------------------------------

// invocation is what the server says about a call. IdempotencyKey is the same for all calls of one
// attempt.
type invocation struct{ RequestID, Function, IdempotencyKey string }

// decoded wraps a function: the event is decoded into its first parameter.
func decoded[E any](f func(E, invocation) (any, error)) func([]byte, invocation) (any, error) {
	return func(event []byte, in invocation) (any, error) {
		var e E
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		return f(e, in)
	}
}

func main() {
	api := "http://" + os.Getenv("FC_RUNTIME_API") + "/2020-11-11/runtime/invocation/"
	for {
		if err := serveOne(api); err != nil {
			log.Fatal(err)
		}
	}
}

// serveOne waits for an event, calls its function and sends the result.
func serveOne(api string) error {
	response, err := http.Get(api + "next")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var event bytes.Buffer
	if _, err := event.ReadFrom(response.Body); err != nil {
		return err
	}
	in := invocation{
		RequestID:      response.Header.Get("X-Fc-Request-Id"),
		Function:       response.Header.Get("X-Fc-Function-Name"),
		IdempotencyKey: response.Header.Get("X-Fnf-Idempotency-Key"),
	}
	f, ok := functions[in.Function]
	if !ok {
		return post(api+in.RequestID+"/error", failed(fmt.Errorf("no function %s", in.Function)))
	}
	result, err := f(event.Bytes(), in)
	if err != nil {
		return post(api+in.RequestID+"/error", failed(err))
	}
	return post(api+in.RequestID+"/response", result)
}

func failed(err error) map[string]string {
	name := "Error"
	if f := (failure{}); errors.As(err, &f) {
		name = f.name
	}
	return map[string]string{"errorType": name, "errorMessage": err.Error()}
}

func post(url string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return response.Body.Close()
}
