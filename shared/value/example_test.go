package value_test

import (
	"fmt"

	"millrace/shared/value"
)

// Equal values have one canonical text: members sorted, no spaces, numbers as they are written.
func ExampleCanonical() {
	text, err := value.Canonical([]byte(`{ "b": 1.50, "a": ["\u00e9", true] }`))
	fmt.Println(string(text), err)
	_, err = value.Canonical([]byte(`{"a": 1,}`))
	fmt.Println(err != nil)
	// Output:
	// {"a":["é",true],"b":1.50} <nil>
	// true
}
