package value_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"millrace/shared/value"
)

// listOf returns an array of n bytes that repeats one element.
func listOf(element string, n int) []byte {
	list := strings.Repeat(element+",", n/(len(element)+1))
	return []byte("[" + strings.TrimSuffix(list, ",") + "]")
}

// wideObject returns an object of about n bytes with short names.
func wideObject(n int) []byte {
	text := []byte{'{'}
	for i := 0; len(text) < n; i++ {
		text = fmt.Appendf(text, `"%x":0,`, i)
	}
	return append(bytes.TrimSuffix(text, []byte(",")), '}')
}

// shapes returns texts of about n bytes that take many times as much when decoded.
func shapes(n int) map[string][]byte {
	deep := strings.Repeat(`{"":`, value.DepthMax-2) + "0" + strings.Repeat("}", value.DepthMax-2)
	return map[string][]byte{
		"objects": listOf(`{"":0}`, n), "empty objects": listOf(`{}`, n),
		"empty arrays": listOf(`[]`, n), "arrays": listOf(`[0]`, n),
		"numbers": listOf(`0`, n), "strings": listOf(`"a"`, n), "escapes": listOf(`"\n"`, n),
		"words":              listOf(`true`, n),
		"names with escapes": listOf(`{"\n":0}`, n), "one wide object": wideObject(n),
		"deep objects":  listOf(deep, n),
		"three members": listOf(`{"a":0,"b":0,"c":0}`, n),
		"nine members":  listOf(`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0}`, n),
	}
}

// TestDecodeMemory: the memory charged bounds the memory allocated. Neither an accepted nor a
// rejected text allocates more than its budget, two copies of the text, and half as much again,
// which soon becomes garbage (the stacks before they double).
func TestDecodeMemory(t *testing.T) {
	for name, text := range shapes(30_000) {
		enough := smallestBudget(text)
		for _, budget := range []int{enough / 2, enough - 1, enough} {
			if cost := value.Cost(text); cost < min(enough, value.MemoryDefault) ||
				cost > 4*enough+2*len(text) {
				t.Errorf("%s: cost %d, charged %d", name, cost, enough)
			}
			allocated, err := allocatedBy(text, budget)
			if limit := budget*3/2 + 2*len(text) + 4096; allocated > limit && !raced {
				t.Errorf("%s within %d of %d: %d bytes allocated (%v)", name, budget, enough,
					allocated, err)
			}
			if (err == nil) != (budget == enough) || err != nil && err != value.ErrMemory {
				t.Errorf("%s within %d of %d: %v", name, budget, enough, err)
			}
		}
	}
}

// allocatedBy returns how many bytes decoding a text allocates in total, including the copies and
// the garbage.
func allocatedBy(text []byte, budget int) (int, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := value.DecodeWithin(text, budget)
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc), err
}

// smallestBudget returns the smallest budget with which a text is accepted.
func smallestBudget(text []byte) int {
	low, high := 0, 100*len(text)
	for low < high {
		middle := (low + high) / 2
		if _, err := value.DecodeWithin(text, middle); err == nil {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// TestDecodeDefault: texts within the product's limits never fail for lack of memory; texts that
// need far more memory than their length do.
func TestDecodeDefault(t *testing.T) {
	for name, text := range shapes(600_000) {
		if _, err := value.Decode(text); err != nil {
			t.Errorf("600 KB of %s: %v", name, err)
		}
	}
	for _, plausible := range []string{`{"id":12345}`,
		`{"id":12345,"name":"Some Name","tags":["a","b"],"ok":true}`, `[1.5,2.5]`, `7`, `null`,
		`""`} {
		if _, err := value.Decode(listOf(plausible, 1<<20)); err != nil {
			t.Errorf("1 MB of %s: %v", plausible, err)
		}
	}
	for _, text := range [][]byte{listOf(`{"":0}`, 1<<20), listOf(`{"":0}`, 8<<20),
		listOf(`0`, 2<<20), wideObject(6 << 20)} {
		if _, err := value.Decode(text); err != value.ErrMemory {
			t.Errorf("%d bytes of %.20s: %v", len(text), text, err)
		}
	}
}

// TestMaxCost: CostMax is an upper bound of what any text of a length takes, including two copies
// of it.
func TestMaxCost(t *testing.T) {
	texts := shapes(20_000)
	texts["members inside members"] = []byte("[" + strings.Repeat(strings.Repeat(`{"":`,
		255)+"0"+strings.Repeat("}", 255)+",", 20) + "0]")
	for name, text := range texts {
		if got, want := value.CostMax(len(text)), smallestBudget(text)+2*len(text); got < want {
			t.Errorf("%s: %d bytes for %d, which take %d", name, got, len(text), want)
		}
	}
	if got := value.CostMax(10 << 20); got < value.MemoryDefault ||
		got > value.MemoryDefault+50<<20 {
		t.Errorf("10 MB cost %d bytes", got)
	}
}

func TestDecodeNumberLength(t *testing.T) {
	for _, form := range []string{"%s", "-%s", "0.%s", "1e%s", `{"n":[%s]}`} {
		long := fmt.Sprintf(form, strings.Repeat("7", value.NumberMax+1))
		if _, err := value.Decode([]byte(long)); err == nil ||
			!strings.Contains(err.Error(), "longer than 1000 characters") {
			t.Errorf("%.20s…: %v", long, err)
		}
		short := fmt.Sprintf(form, strings.Repeat("7", value.NumberMax-4))
		if _, err := value.Decode([]byte(short)); err != nil {
			t.Errorf("%.20s…: %v", short, err)
		}
	}
}

// TestDecodeLoneSurrogate: half of a surrogate pair is not a character. If it were read as U+FFFD,
// two members with different names could become equal.
func TestDecodeLoneSurrogate(t *testing.T) {
	for _, text := range []string{
		`"\ud83d"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\ud83dx"`,
		`"\udfff"`, `"a\ud83d\n"`, `"\ud83d\u12"`,
		`{"\ud83d":1,"\ud83e":2}`, `["\ud83d\ude00\ud83d"]`,
	} {
		v, err := value.Decode([]byte(text))
		if err == nil || v != nil || !strings.Contains(err.Error(), "half a surrogate pair") {
			t.Errorf("%s = %v, %v", text, v, err)
		}
	}
}

func BenchmarkCost(b *testing.B) {
	b.SetBytes(int64(len(benchmarkText)))
	for b.Loop() {
		value.Cost(benchmarkText)
	}
}
