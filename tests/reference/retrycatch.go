package reference

import (
	"math/big"
	"strings"
)

// matches reports whether a rule's list contains an error. FlowV1 is lenient:
// docs/flowv1.md#error-names.
func (c *checker) matches(rule object, key, name string) bool {
	for _, n := range listField(rule, key) {
		switch {
		case n == any("FnF.ALL"), n == any(name):
			return true
		case !c.flowV1:
		case n == any("FC."+name):
			return true
		case strings.EqualFold(n.(string), name) && strings.EqualFold(name,
			"FnF.ExecutionAlreadyExists"):
			return true
		}
	}
	return false
}

// retried applies the first rule that matches, if it has attempts left, and sets when the next
// attempt may begin.
func (t *thread) retried(rules []any, v *visit, err *failure) bool {
	names := [...]string{"Errors", "MaxAttempts", "IntervalSeconds", "BackoffRate",
		"MaxBackoffSeconds"}
	rate := big.NewRat(1, 1)
	if t.c.flowV1 { // docs/flowv1.md#retry
		names = [...]string{"errors", "maxAttempts", "intervalSeconds", "multiplier",
			"maxIntervalSeconds"}
		rate = big.NewRat(2, 1)
	}
	if err.permanent {
		return false
	}
	for i, r := range rules {
		r := r.(object)
		if !t.c.matches(r, names[0], err.Name) {
			continue
		}
		if int64(v.used[i]) >= numberField(r, names[1], 3) {
			return false
		}
		v.used[i]++
		v.retries++
		v.again()
		if r[names[3]] != nil {
			rate, _ = numberOf(r[names[3]])
		}
		t.due = max(t.due, t.lastTime) + pause(numberField(r, names[2], 1), numberField(r, names[4],
			86400), rate, v.used[i])
		return true
	}
	return false
}

func numberField(m object, key string, missing int64) int64 {
	if n, ok := whole(m[key]); ok {
		return n
	}
	return missing
}

// pause returns the delay before retry n in ms: min(interval × rate^(n−1), limit), rounded down.
func pause(interval, delayMax int64, rate *big.Rat, n int) int64 {
	limit := big.NewRat(delayMax, 1)
	delay := big.NewRat(interval, 1)
	for i := 1; i < n && delay.Sign() > 0 && delay.Cmp(limit) < 0 &&
		rate.Cmp(big.NewRat(1, 1)) != 0; i++ {
		delay.Mul(delay, rate)
	}
	if delay.Cmp(limit) > 0 {
		delay = limit
	}
	delay.Mul(delay, big.NewRat(1000, 1))
	return new(big.Int).Quo(delay.Num(), delay.Denom()).Int64()
}

// failed handles a state that has no retry left: Catch, or the scope above.
func (t *thread) failed(st object, v *visit, err *failure) (any, []string, *failure) {
	const rule = pageRetry + ", " + pageCatch + ", " + pageErrors + ", " + pageHistory
	t.peek(want{v.last, "", v.name})
	typ := "StateFailed"
	if err.timeout {
		typ = "StateTimedOut"
	}
	catch := t.c.catching(listField(st, "Catch"), "Errors", err.Name)
	var input any
	if catch != nil {
		caught := *err
		if name, cause := t.c.peekError(t.got); err.free && name == err.Name {
			caught.Cause = cause // not fixed: take the one of the history
		}
		var wrong *failure
		if input, wrong = t.caught(catch, v, &caught); wrong != nil {
			err, catch, typ = wrong, nil, "StateFailed"
		}
	}
	e := t.take(typ, rule)
	err = t.failsWith(e, err)
	if catch == nil {
		err.timeout, err.permanent = false, false
		return nil, nil, err
	}
	return input, []string{textField(catch, "Next")}, nil
}

// caught builds the input of the target of a Catch.
func (t *thread) caught(catch object, v *visit, err *failure) (any, *failure) {
	caught := object{"Code": err.Name, "Detail": err.Cause}
	template := objectField(catch, "OutputConstructor")
	if template == nil {
		return caught, nil
	}
	input := v.input
	if v.begun == 0 {
		input = v.raw
	}
	out, wrong := evaluate(errExpression, func() any {
		return built(template, t.env(v, input,
			object{"Error": caught}))
	})
	if wrong == nil {
		t.c.sized(out, "the input of the target of a Catch")
	}
	return out, wrong
}

// catching returns the first rule that matches an error.
func (c *checker) catching(rules []any, key, name string) object {
	for _, r := range rules {
		if c.matches(r.(object), key, name) {
			return r.(object)
		}
	}
	return nil
}

// peekError reads the error of an event, which may have none.
func (c *checker) peekError(e *Event) (name, cause string) {
	v, _ := readJSON(e.Detail)
	m, _ := v.(object)
	name, _ = m["error"].(string)
	cause, _ = m["cause"].(string)
	return name, cause
}
