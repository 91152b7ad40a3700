package dynamostore

import (
	"unicode/utf8"

	"millrace/shared/store/driver"
)

// condition is a driver.Condition as DynamoDB checks it.
type condition struct {
	expression string
	values     item // nil if the expression names none
}

func conditionOf(c driver.Condition) condition {
	if c.Absent {
		return condition{"attribute_not_exists(p) OR e <= :now", item{":now": number(c.Now)}}
	}
	values := item{}
	version := "attribute_exists(p) AND attribute_not_exists(n)"
	if c.Version != 0 {
		version, values[":n"] = "n = :n", number(c.Version)
	}
	fence := " AND attribute_not_exists(f)"
	switch {
	case !utf8.ValidString(c.Fence):
		fence = " AND attribute_not_exists(p)" // no row has such a fence
	case c.Fence != "":
		fence, values[":f"] = " AND f = :f", text(c.Fence)
	}
	if len(values) == 0 {
		values = nil
	}
	return condition{version + fence, values}
}
