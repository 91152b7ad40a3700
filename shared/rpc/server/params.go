package server

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/shared/rpc/sign"
)

// params are the parameters of one request. If several have the same name, the first counts. bad is
// the fault of the first parameter that is not of its type.
type params struct {
	list []sign.Param
	bad  *fault.Error
}

// str returns the value of a parameter; "" if it is absent.
func (p *params) str(name string) string { return first(p.list, name) }

// opt returns the value of a parameter; nil if it is absent.
func (p *params) opt(name string) *string {
	for i := range p.list {
		if p.list[i].Name == name {
			v := p.list[i].Value // a copy, because the list is reused
			return &v
		}
	}
	return nil
}

// integer parses a decimal integer; nil if the parameter is absent or empty.
func (p *params) integer(name string) *int64 {
	text := p.str(name)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		p.reject(name, "an integer")
		return nil
	}
	return &n
}

// decimal parses a decimal number; nil if the parameter is absent or empty.
func (p *params) decimal(name string) *float64 {
	text := p.str(name)
	if text == "" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		p.reject(name, "a number")
		return nil
	}
	return &f
}

// boolean parses true or false, in any case; nil if the parameter is absent or empty.
func (p *params) boolean(name string) *bool {
	text := p.str(name)
	if text == "" {
		return nil
	}
	yes := strings.EqualFold(text, "true")
	if !yes && !strings.EqualFold(text, "false") {
		p.reject(name, "true or false")
		return nil
	}
	return &yes
}

func (p *params) reject(name, want string) {
	if p.bad == nil {
		p.bad = invalid("The parameter '%s' must be %s.", name, want)
	}
}

// checkText rejects a value that is not UTF-8.
func (p *params) checkText() error {
	for i := range p.list {
		if !utf8.ValidString(p.list[i].Value) {
			return invalid("The parameter '%s' is not valid UTF-8.", rpc.Cut(p.list[i].Name))
		}
	}
	return nil
}
