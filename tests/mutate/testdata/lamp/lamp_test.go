package lamp

import "testing"

func TestBurn(t *testing.T) {
	l := New(1)
	if err := l.Burn(); err != nil || !l.on {
		t.Fatal(err)
	}
	if l.Burn() == nil {
		t.Fatal("it burns without hours")
	}
	if Wait(2) != 2 {
		t.Fatal("it does not count")
	}
	_ = flat(l)
}
