// Package deploy reads the templates that deploy Millrace and holds what must be true of them: that they are templates
// at all, that they describe what the code needs, and that nobody is allowed more than he uses. It has a module of its
// own, so that what checks schemas stays out of the product.
package deploy
