package flow

// Variable is a variable of a flow's environment.
type Variable struct {
	Name        string `json:"Name"`
	Value       string `json:"Value"`
	Description string `json:"Description,omitempty"`
}
