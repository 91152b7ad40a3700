// Package reference is a model of what both definition languages mean: small, plain and slow,
// written from the language references (fdl-statemachine.md, fdl-flow.md, api.md) and sharing
// nothing with the code that runs flows. It reads the text of a definition itself, has its own
// expressions, and instead of a state machine that goes from event to event it has functions that
// walk through the definition as a reader does, and wait for the history to show the next event.
//
// Check says whether a history is one that the languages allow, given what happened outside. What
// it does not know it says (Unjudged); it never lets it pass.
package reference
