// Package deploy reads the templates that deploy Millrace and checks them: that they are valid
// templates, that they describe what the code needs, and that no role is allowed more than it uses.
// It has a module of its own, which keeps the schema checker out of the product.
package deploy
