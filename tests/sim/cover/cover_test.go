package cover_test

import (
	"reflect"
	"strings"
	"testing"

	"millrace/tests/sim/cover"
)

func TestChoose(t *testing.T) {
	runs := []cover.Run{
		{Seed: 1, Steps: 100, Items: []string{"fault a", "invariant x"}},
		{Seed: 2, Steps: 100, Items: []string{"fault a"}},
		{Seed: 3, Steps: 100, Items: []string{"invariant x"}},
		{Seed: 4, Steps: 100, Items: []string{"fault b", "invariant x", "invariant y", "run z"}},
		{Seed: 5, Steps: 9000, Items: []string{"fault b", "invariant x", "invariant y", "run z"}},
	}
	for _, c := range []struct {
		want  cover.Want
		seeds []uint64
	}{
		{cover.Want{Item: 1}, []uint64{1, 4}},          // one of each; not 5, which is expensive
		{cover.Want{Item: 1, Pair: 1}, []uint64{1, 4}}, // no run has a with y
		{cover.Want{Item: 2}, []uint64{1, 2, 4, 5}},    // twice, if it exists twice
		{cover.Want{Pair: 2}, []uint64{1, 4, 5}},       // a with x exists once
	} {
		if got := cover.Choose(runs, c.want); !reflect.DeepEqual(got.Seeds, c.seeds) {
			t.Errorf("%+v: %v, want %v", c.want, got.Seeds, c.seeds)
		}
	}
}

func TestLine(t *testing.T) {
	made := cover.Run{Seed: 7, Steps: 8, Items: []string{"run a"}}
	if read, ok := cover.Parse(made.Line()); !ok || !reflect.DeepEqual(read, made) {
		t.Errorf("%s has become %+v", made.Line(), read)
	}
	if _, ok := cover.Parse("seed 7"); ok {
		t.Error("any line is a run")
	}
}

func TestFile(t *testing.T) {
	made := cover.Choice{Seeds: []uint64{7, 9}, Items: map[string]int{"fault a b": 2, "run c": 1}}
	var text strings.Builder
	if err := made.Write(&text, "two\nlines"); err != nil {
		t.Fatal(err)
	}
	read, err := cover.Read(strings.NewReader(text.String()))
	if err != nil || !reflect.DeepEqual(read, made) {
		t.Errorf("%+v has become %+v, %v:\n%s", made, read, err, text.String())
	}
	if _, err := cover.Read(strings.NewReader("sed 7\n")); err == nil {
		t.Error("any line is read")
	}
	if _, err := cover.Read(strings.NewReader("seed x\n")); err == nil {
		t.Error("any seed is read")
	}
}
