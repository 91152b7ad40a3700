package strict_test

import (
	"fmt"

	"millrace/shared/yamldoc/strict"
)

// All mistakes of a text are reported at once, each with its place.
func ExampleDecode() {
	var file struct {
		Listen string `json:"listen" strict:"required"`
		Limits struct {
			Calls int `json:"calls"`
		} `json:"limits"`
	}
	err := strict.Decode("server.yaml", []byte("lisen: 127.0.0.1:80\nlimits:\n  calls: many\n"),
		&file, strict.Options{BytesMax: 1 << 20})
	fmt.Println(err)
	err = strict.Decode("server.yaml", []byte("listen: 127.0.0.1:80\nlimits: {calls: 9}\n"),
		&file, strict.Options{BytesMax: 1 << 20})
	fmt.Println(file.Listen, file.Limits.Calls, err)
	// Output:
	// server.yaml:1:1: there is no "lisen"; did you mean 'listen'?
	// server.yaml:1:1: listen is missing
	// server.yaml:3:10: limits.calls must be a whole number, not the text "many"
	// 127.0.0.1:80 9 <nil>
}
