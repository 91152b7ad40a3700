package suggest_test

import (
	"fmt"

	"millrace/shared/suggest"
)

func ExampleHint() {
	states := []string{"Charge", "Refund", "Notify"}
	fmt.Println(suggest.Hint("Chrage", states))
	fmt.Printf("%q\n", suggest.Hint("Ship", states))
	// Output:
	// did you mean 'Charge'?
	// ""
}
