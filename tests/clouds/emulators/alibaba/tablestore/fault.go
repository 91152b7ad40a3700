package tablestore

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Request is one request as a fault hook sees it.
type Request struct {
	Op   string // "PutRow", "GetRange" …
	Host string // the host of its URL: tests give each client another one to tell them apart
	Body []byte // protocol buffer; must not be changed
}

// Writes reports whether the request writes rows.
func (r Request) Writes() bool {
	switch r.Op {
	case "PutRow", "UpdateRow", "DeleteRow", "BatchWriteRow":
		return true
	}
	return false
}

// Fault is what happens to a request, in the order of the fields. The zero Fault does nothing.
type Fault struct {
	Delay   time.Duration      // the request waits first
	Drop    bool               // the connection breaks, nothing is applied
	Refuse  *Error             // the response is this error, nothing is applied
	Rows    func(i int) *Error // of a BatchWriteRow, row i fails with this; nil: it does not
	Lose    bool               // the request is applied, then the connection breaks
	Instead *Error             // the request is applied, then the response is this error
}

func (f Fault) delay(ctx context.Context) bool {
	if f.Delay <= 0 {
		return true
	}
	select {
	case <-time.After(f.Delay):
		return true
	case <-ctx.Done():
		return false
	}
}

// Chance draws faults. Its probabilities are between 0 and 1.
type Chance struct {
	Seed     uint64
	Busy     float64       // of any request: OTSServerBusy, nothing is applied
	Conflict float64       // of a write, or of a row in a batch: OTSRowOperationConflict, no effect
	Drop     float64       // of any request: the connection breaks, nothing is applied
	Lose     float64       // of any request: it is applied, then the connection breaks
	Timeout  float64       // of a write: it is applied, the response is OTSTimeout
	Latency  time.Duration // maximum delay of any request
}

// Hook returns a hook for SetFault. Called by one goroutine, it draws the same faults from the same
// seed.
func (c Chance) Hook() func(Request) Fault {
	var mu sync.Mutex
	draw := rand.New(rand.NewPCG(c.Seed, 0))
	float := func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return draw.Float64()
	}
	return func(r Request) (f Fault) {
		f.Delay = time.Duration(float() * float64(c.Latency))
		switch p := float(); {
		case p < c.Busy:
			f.Refuse = ServerBusy
		case p < c.Busy+c.Drop:
			f.Drop = true
		case p < c.Busy+c.Drop+c.Lose:
			f.Lose = true
		}
		if !r.Writes() {
			return f
		}
		if r.Op == "BatchWriteRow" {
			f.Rows = func(int) *Error {
				if float() < c.Conflict {
					return RowOperationConflict
				}
				return nil
			}
		} else if f.Refuse == nil && float() < c.Conflict {
			f.Refuse = RowOperationConflict
		}
		if float() < c.Timeout {
			f.Instead = Timeout
		}
		return f
	}
}
