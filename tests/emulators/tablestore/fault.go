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
	Host string // the address that it was sent to: tests give clients different ones to tell them apart
	Body []byte // protocol buffer; not to be changed
}

// Writes tells whether the request writes rows.
func (r Request) Writes() bool {
	switch r.Op {
	case "PutRow", "UpdateRow", "DeleteRow", "BatchWriteRow":
		return true
	}
	return false
}

// Fault is what befalls a request, in this order. The zero Fault is none.
type Fault struct {
	Delay   time.Duration      // it waits first
	Drop    bool               // the connection breaks, nothing is applied
	Refuse  *Error             // this is answered, nothing is applied
	Rows    func(i int) *Error // of a BatchWriteRow, row i fails with this; nil: it does not
	Lose    bool               // it is applied, then the connection breaks
	Instead *Error             // it is applied, then this is answered
}

func (f Fault) delay(ctx context.Context) bool {
	if f.Delay <= 0 {
		return true
	}
	t := time.NewTimer(f.Delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Chance draws faults. All its chances lie between 0 and 1.
type Chance struct {
	Seed     uint64
	Busy     float64       // of any request: OTSServerBusy, nothing is applied
	Conflict float64       // of a write: OTSRowOperationConflict, nothing is applied; of a batch, each row by itself
	Drop     float64       // of any request: the connection breaks, nothing is applied
	Lose     float64       // of any request: it is applied, the connection breaks
	Timeout  float64       // of a write: it is applied, OTSTimeout is answered
	Latency  time.Duration // the longest wait of any request
}

// Hook returns a hook for SetFault. With one goroutine the same seed gives the same faults.
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
