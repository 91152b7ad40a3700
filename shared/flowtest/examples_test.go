package flowtest_test

import (
	"strings"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/tests/support/examples"
)

func TestExamples(t *testing.T) {
	examples.Each(t, func(t *testing.T, f *examples.File) {
		for _, c := range f.Cases {
			t.Run(c.Name, func(t *testing.T) { run(t, f, c) })
		}
	})
}

func run(t *testing.T, f *examples.File, c flowtest.Case) {
	c.Setup.Start = time.Date(2019, 5, 2, 15, 0, 0, 0, time.UTC).UnixMilli()
	if wrong := c.UnknownStates(f.Machine); len(wrong) > 0 {
		t.Fatal(strings.Join(wrong, "\n"))
	}
	r, err := flowtest.Execute(f.Machine, flow.DefaultLimits(), c.Setup)
	if err != nil {
		t.Fatal(err)
	}
	if diff := flowtest.Check(f.Machine, r, &c.Expect); len(diff) > 0 {
		t.Error(strings.Join(diff, "\n"))
	}
}
