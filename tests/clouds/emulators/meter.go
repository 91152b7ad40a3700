package emulators

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Usage is the cost of calls of DynamoDB and SQS. Units are those of the table and its indexes
// together.
type Usage struct {
	Reads, Writes float64        // units
	Index         float64        // the part of the write units that indexes use
	Calls         map[string]int // by operation, of both services
}

// Meter counts the cost of calls to the emulators; its methods are Faulty functions. It requests
// the consumption of each call from DynamoDB, and computes by the service's rules what the emulator
// does not report: the write units of a failed condition, from the size of the row to be written;
// and those of the indexes of Table, from the row before and after. It omits what the rows of a
// batch cost in the indexes.
type Meter struct {
	Table *dynamodb.CreateTableInput // the schema of the tables; nil: without indexes

	mu   sync.Mutex
	used Usage
}

// Reset sets all counts to zero.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used = Usage{}
}

// Used returns the cost of all calls since the last Reset.
func (m *Meter) Used() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.used
	u.Calls = maps.Clone(u.Calls)
	return u
}

func (m *Meter) add(u Usage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.Reads += u.Reads
	m.used.Writes += u.Writes
	m.used.Index += u.Index
}

func (m *Meter) count(op string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used.Calls == nil {
		m.used.Calls = map[string]int{}
	}
	m.used.Calls[op]++
}

// SQS counts a call of SQS.
func (m *Meter) SQS(c Call) (*http.Response, error) {
	m.count(c.Op)
	return c.Send()
}

// DynamoDB passes a call on, with a request for its consumption added.
func (m *Meter) DynamoDB(c Call) (*http.Response, error) {
	m.count(c.Op)
	var request map[string]json.RawMessage
	if err := json.Unmarshal(c.Body, &request); err != nil {
		return c.Send()
	}
	request["ReturnConsumedCapacity"] = json.RawMessage(`"INDEXES"`)
	writes := c.Op == "PutItem" || c.Op == "DeleteItem"
	if writes {
		request["ReturnValues"] = json.RawMessage(`"ALL_OLD"`)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	response, err := c.SendAs(body)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	switch after := row(request["Item"]); {
	case response.StatusCode != http.StatusOK:
		if writes && bytes.Contains(text, []byte("ConditionalCheckFailed")) {
			m.add(Usage{Writes: units(after)})
		}
	case c.Op == "GetItem", c.Op == "Query":
		m.add(Usage{Reads: consumed(text).units})
	default:
		u := consumed(text)
		if u.index == 0 && writes {
			u.index = m.indexUnits(row(u.before), after)
			u.units += u.index
		}
		m.add(Usage{Writes: u.units, Index: u.index})
	}
	return response, nil
}

// consumption is the consumption that a response reports.
type consumption struct {
	units, index float64
	before       json.RawMessage // the row that a write has replaced
}

type capacity struct {
	CapacityUnits          float64
	GlobalSecondaryIndexes map[string]struct{ CapacityUnits float64 }
}

// consumed reads a response: one report, or, for a batch, one for each table.
func consumed(response []byte) (c consumption) {
	var a struct {
		ConsumedCapacity json.RawMessage
		Attributes       json.RawMessage
	}
	json.Unmarshal(response, &a)
	var reports []capacity
	if json.Unmarshal(a.ConsumedCapacity, &reports) != nil {
		var one capacity
		json.Unmarshal(a.ConsumedCapacity, &one)
		reports = []capacity{one}
	}
	for _, r := range reports {
		c.units += r.CapacityUnits
		for _, i := range r.GlobalSecondaryIndexes {
			c.index += i.CapacityUnits
		}
	}
	c.before = a.Attributes
	return c
}

// row reads a row of a request or a response; nil if there is none. Rows contain only texts,
// numbers and bytes.
func row(text json.RawMessage) item {
	var cells map[string]struct{ S, N, B *string }
	if json.Unmarshal(text, &cells) != nil || len(cells) == 0 {
		return nil
	}
	out := item{}
	for name, v := range cells {
		switch {
		case v.S != nil:
			out[name] = &types.AttributeValueMemberS{Value: *v.S}
		case v.N != nil:
			out[name] = &types.AttributeValueMemberN{Value: *v.N}
		case v.B != nil:
			b, _ := base64.StdEncoding.DecodeString(*v.B)
			out[name] = &types.AttributeValueMemberB{Value: b}
		}
	}
	return out
}
