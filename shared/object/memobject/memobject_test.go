package memobject_test

import (
	"errors"
	"testing"

	"millrace/shared/object"
	"millrace/shared/object/memobject"
	"millrace/shared/object/objecttest"
)

func TestContract(t *testing.T) {
	s := memobject.New("a")
	objecttest.Run(t, s, "a")
	_, err := s.List(t.Context(), object.Name{Bucket: "b"}, "", "", 1)
	if !errors.Is(err, object.ErrNoBucket) {
		t.Error(err)
	}
}

// TestBuckets: each bucket is in the store of its name, or else in the rest.
func TestBuckets(t *testing.T) {
	b := &object.Buckets{Stores: map[string]object.Store{"a": memobject.New("a", "b")}}
	objecttest.Run(t, b, "a")
	for _, err := range []error{
		b.Put(t.Context(), object.Name{Bucket: "b", Key: "k"}, nil),
		second(b.List(t.Context(), object.Name{Bucket: "b"}, "", "", 1)),
		third(b.Open(t.Context(), object.Name{Bucket: "b", Key: "k"}, "", 0)),
	} {
		if !errors.Is(err, object.ErrNoBucket) {
			t.Error(err)
		}
	}
	b.Rest = memobject.New("b")
	objecttest.Run(t, b, "b")
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }
