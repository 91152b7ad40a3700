// Package reference is a model of both definition languages. It is small, plain and slow. It is
// written from the language references (docs/statemachine.md, docs/expressions.md, docs/flowv1.md,
// docs/api.md) and shares no code with the engine. It parses definitions itself and has its own
// expressions. The engine is a state machine that handles one message at a time; the reference has
// functions that walk through the definition in reading order, and block until the history shows
// the next event.
//
// Check reports whether the languages allow a history, given what happened outside. If a history
// depends on something that the reference does not know, Check returns an *Unjudged error; it never
// accepts such a history.
package reference
