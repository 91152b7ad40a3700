package folderobject_test

import (
	"testing"

	"millrace/shared/object/objecttest"
)

func TestContract(t *testing.T) {
	s, _ := open(t)
	objecttest.Run(t, s, "b")
}
